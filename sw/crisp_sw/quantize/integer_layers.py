"""One fused float layer and the int8 codes round it, as an integer convolution."""

import numpy as np

from crisp_golden.arithmetic.fixed_point import OutputMultipliers, quantize_output_scales
from crisp_golden.arithmetic.network import Pattern, QuantizedConv, ResidualInput
from crisp_spec.errors import LayerError
from crisp_sw.quantize.affine import Affine
from crisp_sw.quantize.lowering.float_network import Activation, FloatConv

WEIGHT_LIMIT = 127
# A channel of tiny weights keeps a scale with which its bias still fits an accumulator of 32 bits.
BIAS_LIMIT = 1 << 29
# Below 2**-24 of an output step per accumulator step nothing of the accumulator reaches the output.
LEAST_OUTPUT_SCALE = 2.0**-24


def quantize_conv(
    layer: FloatConv,
    x: Affine,
    y: Affine,
    residual: Affine | None = None,
    pattern: Pattern | None = None,
) -> QuantizedConv:
    """Quantize weights per output channel and derive bias, multipliers and clamp.

    ``s_w[k] = max|w[k]| / 127``, ``bias = round(b / (s_x s_w)) - zp_x sum(w_q)`` and the multiplier is
    ``s_x s_w / s_y`` (Jacob et al., CVPR 2018, sections 2.2 and 2.4). Zero weights stay zero.

    Parameters
    ----------
    x, y, residual : codes of the input, the output and the residual operand.
    pattern : sparsity that the float weight has, attached as it is.

    Raises
    ------
    LayerError : the output's steps are too coarse or too fine for those of its operands.
    """
    weight = layer.weight.detach().cpu().double().numpy()
    bias = layer.bias.detach().cpu().double().numpy()
    scale = _weight_scales(weight, bias, x, y)
    levels = weight / scale[:, None, None, None]
    q_weight = np.rint(levels, out=levels).astype(np.int8)
    q_bias = np.rint(bias / (x.scale * scale)) - x.zero_point * q_weight.sum(axis=(1, 2, 3), dtype=np.int64)
    residual_scale = None if residual is None else residual.scale / y.scale
    output = _output_scales(layer.name, x.scale * scale / y.scale, residual_scale)
    q_min, q_max = _clamp(layer.activation, y)
    return QuantizedConv(
        name=layer.name,
        weight=q_weight,
        bias=q_bias.astype(np.int32),
        multiplier=output.multiplier,
        shift=output.shift,
        stride=layer.stride,
        padding=layer.padding,
        groups=layer.groups,
        x_zero_point=x.zero_point,
        y_zero_point=y.zero_point,
        q_min=q_min,
        q_max=q_max,
        residual=_residual_input(residual, output.residual_multiplier, output.residual_shift),
        pattern=pattern,
    )


def _output_scales(name: str, scale: np.ndarray, residual_scale: float | None) -> OutputMultipliers:
    try:
        return quantize_output_scales(scale, residual_scale)
    except LayerError as error:
        raise LayerError(f"{name}: {error}") from error


def _weight_scales(weight: np.ndarray, bias: np.ndarray, x: Affine, y: Affine) -> np.ndarray:
    scale = np.abs(weight).max(axis=(1, 2, 3)) / WEIGHT_LIMIT
    scale = np.maximum(scale, np.abs(bias) / (x.scale * BIAS_LIMIT))
    return np.maximum(scale, LEAST_OUTPUT_SCALE * y.scale / x.scale)


def _clamp(activation: Activation, y: Affine) -> tuple[int, int]:
    """Lowest and highest code that the activation lets pass."""
    if activation is Activation.NONE:
        return -128, 127
    six = 127 if activation is Activation.RELU else min(127, y.zero_point + round(6.0 / y.scale))
    return y.zero_point, six


def _residual_input(
    code: Affine | None, multiplier: np.ndarray | None, shift: np.ndarray | None
) -> ResidualInput | None:
    if code is None or multiplier is None or shift is None:
        return None
    return ResidualInput(zero_point=code.zero_point, multiplier=multiplier, shift=shift)

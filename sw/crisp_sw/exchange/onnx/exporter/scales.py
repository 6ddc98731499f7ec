"""Real scales behind fixed-point multipliers: what QDQ ONNX says where an integer network says M / 2**s.

An output stage fixes only ratios: ``s_x s_w[k] / s_y = multiplier[k] / 2**shift[k]``. The scale of a weight
is therefore derived from the multiplier, and carries its rounding; the scale of an output is free, and is the
one that the quantizer noted down. Two kinds of layers leave no such freedom and fix the output's scale
themselves: those with a residual input, whose multiplier is ``s_r / s_y``, and global average pooling, whose
weights are 1.
"""

import numpy as np

from crisp_golden.arithmetic.fixed_point import quantize_multiplier
from crisp_golden.arithmetic.inference import INPUT
from crisp_golden.arithmetic.network import MaxPool, QuantizedConv, QuantizedNetwork
from crisp_sw.exchange.onnx.errors import OnnxModelError

Shape = tuple[int, int, int]


def tensor_scales(network: QuantizedNetwork, shapes: dict[str, Shape]) -> dict[str, np.float32]:
    """The scale of every tensor by name, with which all multipliers come out as they are.

    Scales that the network does not know are chosen: its outputs are then right up to one factor.

    Parameters
    ----------
    shapes : (C, H, W) of every tensor by name.

    Raises
    ------
    OnnxModelError : a residual input has multipliers that no single scale explains.
    """
    scales = {INPUT: np.float32(network.input_scale)}
    for node in network.nodes:
        x, layer = scales[node.inputs[0]], node.layer
        known = np.float32(network.scales.get(node.name, x))
        if isinstance(layer, MaxPool):
            scales[node.name] = x
        elif layer.residual is not None:
            scales[node.name] = _residual_output_scale(layer, scales[node.inputs[1]], known)
        elif is_global_average(layer, shapes[node.inputs[0]]):
            scales[node.name] = _average_output_scale(layer, x, known)
        else:
            scales[node.name] = known
    return scales


def weight_scales(layer: QuantizedConv, x: np.float32, y: np.float32) -> np.ndarray:
    """float32[K], the scale of each output channel's weights between inputs and outputs of these scales.

    Raises
    ------
    OnnxModelError : a multiplier is 0, which no scale gives.
    """
    if not layer.multiplier.all():
        channel = int(np.argmin(layer.multiplier))
        raise OnnxModelError(f"{layer.name}: the multiplier of channel {channel} is 0; expected at least 1")
    return (_ratio(layer.multiplier, layer.shift) * (float(y) / float(x))).astype(np.float32)


def is_global_average(layer: QuantizedConv, shape: Shape) -> bool:
    """Whether a layer does what golden's `global_average_pool_layer` makes for (C, H, W)."""
    channels, height, width = shape
    return (
        layer.groups == layer.in_channels == layer.out_channels == channels
        and layer.kernel == (height, width)
        and layer.padding == (0, 0)
        and layer.residual is None
        and (layer.q_min, layer.q_max) == (-128, 127)
        and bool((layer.weight == 1).all())
        and bool((layer.bias == -layer.x_zero_point * height * width).all())
        and bool((layer.multiplier == layer.multiplier[0]).all() and (layer.shift == layer.shift[0]).all())
    )


def _residual_output_scale(layer: QuantizedConv, residual: np.float32, known: np.float32) -> np.float32:
    """An output scale for which ``s_r / s_y`` rounds to the residual multiplier of every channel."""
    assert layer.residual is not None
    multiplier = layer.residual.multiplier.astype(np.float64)
    exponent = layer.residual.shift.astype(np.int32) - layer.shift.astype(np.int32)
    low = float(np.ldexp(multiplier - 0.5, exponent).max())
    high = float(np.ldexp(multiplier + 0.5, exponent).min())
    if low > high or low <= 0:
        raise OnnxModelError(
            f"{layer.name}: the residual's multipliers stand for different scales, "
            f"from {np.ldexp(multiplier, exponent).min():g} to {np.ldexp(multiplier, exponent).max():g}; "
            "expected one for all channels, as QDQ has one scale per tensor"
        )
    middle = np.float32(2 * float(residual) / (low + high))
    candidates = (
        known,
        middle,
        np.nextafter(middle, np.float32(0)),
        np.nextafter(middle, np.float32(np.inf)),
    )
    fitting = [scale for scale in candidates if low < float(residual) / float(scale) < high]
    return fitting[0] if fitting else middle


def _average_output_scale(layer: QuantizedConv, x: np.float32, known: np.float32) -> np.float32:
    """The known scale if it gives the layer's multiplier, else the nearest one that does."""
    pixels = layer.kernel[0] * layer.kernel[1]
    multiplier, shift = quantize_multiplier(np.array([float(x) / (pixels * float(known))]))
    exact = _ratio(layer.multiplier, layer.shift)[0]
    if _ratio(multiplier, shift)[0] == exact:
        return known
    return np.float32(float(x) / (pixels * exact))


def _ratio(multiplier: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """``multiplier / 2**shift`` as float64."""
    return np.ldexp(multiplier.astype(np.float64), -shift.astype(np.int32))

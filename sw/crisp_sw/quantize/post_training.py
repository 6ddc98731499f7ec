"""Post-training quantization of a whole model: lower, calibrate, convert layer by layer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor, nn

from crisp_golden.network import MaxPool, Node, Pattern, QuantizedNetwork
from crisp_golden.pattern import check_layer_structure
from crisp_golden.pooling import global_average_pool_layer
from crisp_sw.quantize.float_network import INPUT, FloatConv, FloatLayer, FloatMaxPool, FloatNetwork
from crisp_sw.quantize.integer_layers import quantize_conv
from crisp_sw.quantize.lowering import lower
from crisp_sw.quantize.ranges import Affine, CalibrationError, Observer, RangeMethod, require_method
from crisp_sw.quantize.torch_layers import UnsupportedModelError


@dataclass(frozen=True, kw_only=True)
class QuantizeSettings:
    """How activations get their int8 ranges.

    Attributes
    ----------
    method : "minmax", "percentile" or "mse"; the image itself always takes its full range.
    percentile : share of the values, in percent, that the "percentile" range holds on each side.
    batch : calibration images run at a time.
    """

    method: RangeMethod = "mse"
    percentile: float = 99.99
    batch: int = 128

    def __post_init__(self):
        require_method(self.method)
        if not 50 < self.percentile <= 100:
            raise CalibrationError(f"`percentile` must be above 50 and at most 100, not {self.percentile}")
        if self.batch < 1:
            raise CalibrationError(f"`batch` must be at least 1, not {self.batch}")


def quantize_model(
    model: nn.Module,
    images: Tensor,
    *,
    classes: Sequence[str] = (),
    patterns: Mapping[str, Pattern] | None = None,
    settings: QuantizeSettings | None = None,
) -> QuantizedNetwork:
    """Quantize a trained model to int8.

    Parameters
    ----------
    model : Conv2d, Linear, BatchNorm, ReLU, ReLU6, residual add, max and global average pooling, flatten,
        anything that torch.fx can trace; put into evaluation mode.
    images : float[N, C, H, W], calibration images normalised as in training; a few hundred are enough.
    classes : names of the outputs.
    patterns : sparsity by qualified module name, as the pruner returns it.

    Returns
    -------
    The integer network; each layer is named as the module it comes from.

    Raises
    ------
    UnsupportedModelError : the model has an operation without integer counterpart or a weight that is not
        finite, or a pattern names a layer that is not there or cannot carry it.
    CalibrationError : there are no images, or an activation is not finite.
    PatternError : a layer's weights do not have the pattern claimed for them.
    """
    settings, patterns = settings or QuantizeSettings(), patterns or {}
    if images.ndim != 4 or len(images) == 0:
        raise CalibrationError(f"calibration needs images [N, C, H, W] with N >= 1, not {list(images.shape)}")
    channels, height, width = images.shape[1:]
    network = lower(model, (channels, height, width))
    _require_finite(network)
    _check_patterns(network, patterns)
    codes = calibrate(network, images, settings)
    return QuantizedNetwork(
        nodes=tuple(_node(layer, network, codes, patterns) for layer in network.layers),
        input_shape=network.input_shape,
        input_scale=codes[INPUT].scale,
        input_zero_point=codes[INPUT].zero_point,
        classes=tuple(classes),
        scales={layer.name: codes[layer.name].scale for layer in network.layers},
    )


def calibrate(network: FloatNetwork, images: Tensor, settings: QuantizeSettings) -> dict[str, Affine]:
    """Run the calibration images, float[N, C, H, W], and choose the int8 code of every tensor by name."""
    observers = {name: Observer() for name in network.shapes}
    for batch in images.split(settings.batch):
        for name, tensor in network.walk(batch):
            try:
                observers[name].update(tensor)
            except CalibrationError as error:
                raise CalibrationError(f"activation {name!r}: {error}") from error
    codes = {}
    for name, observer in observers.items():
        codes[name] = observer.choose("minmax" if name == INPUT else settings.method, settings.percentile)
    for layer in network.layers:
        if isinstance(layer, FloatMaxPool):  # a maximum of codes is a code of the same scale
            codes[layer.name] = codes[layer.inputs[0]]
    return codes


def _node(
    layer: FloatLayer, network: FloatNetwork, codes: dict[str, Affine], patterns: Mapping[str, Pattern]
) -> Node:
    x, y = codes[layer.inputs[0]], codes[layer.name]
    if isinstance(layer, FloatMaxPool):
        integer = MaxPool(name=layer.name, kernel=layer.kernel, stride=layer.stride, padding=layer.padding)
    elif isinstance(layer, FloatConv):
        residual = codes[layer.residual] if layer.residual else None
        integer = quantize_conv(layer, x, y, residual, patterns.get(layer.name))
        check_layer_structure(integer)
    else:
        integer = global_average_pool_layer(
            layer.name,
            *network.shapes[layer.inputs[0]],
            x_scale=x.scale,
            x_zero_point=x.zero_point,
            y_scale=y.scale,
            y_zero_point=y.zero_point,
        )
    return Node(layer=integer, inputs=tuple(layer.inputs))


def _require_finite(network: FloatNetwork) -> None:
    """Raise, naming the layer, where a weight is NaN or infinite: the activations would not say which."""
    for layer in network.layers:
        if not isinstance(layer, FloatConv):
            continue
        for what, values in (("weights", layer.weight), ("biases", layer.bias)):
            wrong = values[~values.isfinite()].tolist()
            if wrong:
                raise UnsupportedModelError(
                    f"layer {layer.name!r} needs finite {what}, its BatchNorm folded in, not {wrong[0]}"
                )


def _check_patterns(network: FloatNetwork, patterns: Mapping[str, Pattern]) -> None:
    convolutions = {layer.name: layer for layer in network.layers if isinstance(layer, FloatConv)}
    for name, pattern in patterns.items():
        if name not in convolutions:
            known = ", ".join(convolutions)
            raise UnsupportedModelError(f"pattern for layer {name!r}, which is not among the layers: {known}")
        channels, kh, kw = convolutions[name].weight.shape[1:]
        columns = kh * kw * -(-channels * convolutions[name].groups // pattern.block)
        if pattern.block_mask.shape[1] != columns:
            raise UnsupportedModelError(
                f"layer {name!r} has a pattern of {pattern.block_mask.shape[1]} block columns, but as a "
                f"convolution of {kh}x{kw} taps it has {columns}; exclude it from pruning"
            )

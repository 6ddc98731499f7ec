"""Post-training quantization: lower a whole model, compare the two, calibrate, convert layer by layer."""

from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import Tensor, nn

from crisp_golden.arithmetic.network import MaxPool, Node, Pattern, QuantizedNetwork
from crisp_golden.arithmetic.pooling import global_average_pool_layer
from crisp_golden.format.pattern import check_layer_structure
from crisp_sw.modules.wrappers import module_copy, unwrapped
from crisp_sw.quantize.affine import Affine
from crisp_sw.quantize.argument_checks import (
    require_classes,
    require_finite,
    require_images,
    require_patterns,
)
from crisp_sw.quantize.image_scale import require_scale_of_training
from crisp_sw.quantize.integer_layers import quantize_conv
from crisp_sw.quantize.lowering.equivalence import images_to_check, require_equivalent, require_same_layers
from crisp_sw.quantize.lowering.float_network import (
    INPUT,
    FloatConv,
    FloatLayer,
    FloatMaxPool,
    FloatNetwork,
    module_name,
)
from crisp_sw.quantize.lowering.lowering import lower
from crisp_sw.quantize.lowering.model_state import require_traceable
from crisp_sw.quantize.ranges import Observer
from crisp_sw.quantize.settings import CalibrationError, QuantizeSettings


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
        anything that torch.fx can trace; put into evaluation mode. float64 is quantized as it is, all other
        types as float32. The network within a wrapper that `unwrapped` knows is quantized.
    images : float[N, C, H, W], calibration images normalised as in training; a few hundred are enough.
        They are taken in the model's type and on its device.
    classes : names of the outputs, one each; or none.
    patterns : sparsity by qualified module name, as the pruner returns it.

    Returns
    -------
    The integer network; each layer is named as the module it comes from, see `layer_name`.

    Raises
    ------
    UnsupportedModelError : the model has an operation without integer counterpart, a hook or a weight that is
        not finite, or does not compute what its lowered layers do; or a pattern names a layer that is not
        there or cannot carry it, or `classes` does not fit the outputs.
    CalibrationError : there are no images of floating-point numbers, they are far larger than those of
        training, or an activation is not finite.
    PatternError : a layer's weights do not have the pattern claimed for them.
    ModelError : something in the model cannot be copied.
    LayerError : the steps of a layer's result are too far from those of what it reads.
    """
    settings, patterns = settings or QuantizeSettings(), patterns or {}
    if not isinstance(settings, QuantizeSettings):
        raise CalibrationError(f"`settings` must be QuantizeSettings, not {settings!r}")
    require_images(images)
    require_traceable(model)
    model.eval()
    working = _working_copy(model)
    first = next(_floating(working), images)
    images = images.detach().to(first.device, first.dtype)
    channels, height, width = images.shape[1:]
    network = lower(working, (channels, height, width))
    require_finite(network)
    require_patterns(network, working, patterns)
    require_classes(network, classes)
    exact = working.double()
    again = lower(exact, network.input_shape)
    require_same_layers(network, again)
    checked = images_to_check(images)
    require_equivalent(again, exact, checked)
    require_scale_of_training(exact, checked)
    del working, exact, again  # in float64 they are twice as large as the network
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
    """Run the calibration images, float[N, C, H, W], and choose the int8 code of every tensor by name.

    Raises
    ------
    CalibrationError : they are no such images, or an activation is not finite.
    """
    require_images(images)
    if tuple(images.shape[1:]) != network.input_shape:
        raise CalibrationError(
            f"calibration images must be of shape {network.input_shape}, not {tuple(images.shape[1:])}"
        )
    observers = {name: Observer() for name in network.shapes}
    with torch.autocast(images.device.type, enabled=False):  # the caller's, whose types are too coarse
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
        integer = quantize_conv(layer, x, y, residual, patterns.get(module_name(layer.name)))
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


def _working_copy(model: nn.Module) -> nn.Module:
    """A copy of the network in ``model`` in a type that keeps its weights exactly: float32 or float64."""
    network = module_copy(unwrapped(model))
    first = next(_floating(network), None)
    return network.double() if first is not None and first.dtype == torch.float64 else network.float()


def _floating(network: nn.Module) -> Iterator[Tensor]:
    """Parameters of floating-point numbers; others may hold anything, such as indices."""
    return (weights for weights in network.parameters() if weights.is_floating_point())

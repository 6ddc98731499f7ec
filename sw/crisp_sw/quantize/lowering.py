"""From any traceable ``nn.Module`` to a :class:`FloatNetwork`: folding and fusion on the torch.fx graph."""

import operator
from dataclasses import replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import fx, nn

from crisp_sw.quantize import torch_layers as layers
from crisp_sw.quantize.float_network import (
    INPUT,
    Activation,
    FloatAveragePool,
    FloatConv,
    FloatLayer,
    FloatNetwork,
    Shape,
)
from crisp_sw.quantize.folding import fold_batch_norm
from crisp_sw.quantize.torch_layers import UnsupportedModelError, Value

_ADD = (operator.add, operator.iadd, torch.add, "add", "add_")
_ACTIVATIONS: dict[Any, Activation] = {
    nn.ReLU: Activation.RELU,
    nn.ReLU6: Activation.RELU6,
    F.relu: Activation.RELU,
    F.relu6: Activation.RELU6,
    torch.relu: Activation.RELU,
    "relu": Activation.RELU,
    "relu_": Activation.RELU,
}
_FLATTEN = (torch.flatten, torch.reshape, "flatten", "view", "reshape")
_MAX_POOL_DEFAULTS = {"kernel_size": None, "stride": None, "padding": 0, "dilation": 1, "ceil_mode": False}
_SUPPORTED = (
    "Conv2d, Linear, BatchNorm, ReLU, ReLU6, residual add, MaxPool2d, AdaptiveAvgPool2d to one pixel "
    "or to the size of its input, mean over the image, flatten"
)


def lower(model: nn.Module, input_shape: Shape) -> FloatNetwork:
    """Trace ``model`` and fuse it into layers that have an integer counterpart.

    BatchNorm is folded into the convolution before it. A residual addition joins the later of the
    convolutions that produce its operands and have no other reader; ReLU and ReLU6 join the layer
    before them. The network computes what ``model.eval()`` computes, up to float rounding.

    Parameters
    ----------
    input_shape : (C, H, W) of one image.

    Raises
    ------
    UnsupportedModelError : the model cannot be traced, or a module or operation is not supported; the
        message names it and lists what is.
    """
    model.eval()
    try:
        graph = fx.symbolic_trace(model).graph
    except Exception as error:  # tracing runs the user's code, which may raise anything
        raise UnsupportedModelError(f"torch.fx cannot trace {type(model).__name__}: {error}") from error
    with torch.no_grad():
        return _Lowering(model, input_shape).run(graph)


class _Lowering:
    """State of one lowering: the layers so far and the value of every fx node."""

    def __init__(self, model: nn.Module, input_shape: Shape):
        self.model = model
        self.layers: dict[str, FloatLayer] = {}
        self.shapes: dict[str, Shape] = {INPUT: input_shape}
        self.values: dict[fx.Node, Value] = {}
        self.shared: set[str] = set()

    def run(self, graph: fx.Graph) -> FloatNetwork:
        result = None
        for node in graph.nodes:
            if node.op == "output":
                result = node.args[0]
            elif not self._only_measures_shape(node):
                self.values[node] = value = self._lower(node)
                readers = [user for user in node.users if not self._only_measures_shape(user)]
                if len(readers) > 1:
                    self.shared.add(value.tensor)
        if not isinstance(result, fx.Node) or result not in self.values:
            raise UnsupportedModelError("the model must return one tensor")
        if not self.layers or self.values[result].tensor != next(reversed(self.layers)):
            raise UnsupportedModelError("the model's result must be the output of its last layer")
        layers = list(self.layers.values())
        return FloatNetwork(self.shapes[INPUT], layers, {n: self.shapes[n] for n in [INPUT, *self.layers]})

    @staticmethod
    def _only_measures_shape(node: fx.Node) -> bool:
        """True for ``x.size(0)``, ``x.shape`` and ``x.shape[0]``, arguments of a later reshape."""
        if node.op == "call_method" and node.target == "size":
            return True
        if node.target is getattr:
            return node.args[1] == "shape"
        return node.target is operator.getitem

    def _lower(self, node: fx.Node) -> Value:
        if node.op == "placeholder":
            if self.values:
                raise UnsupportedModelError(f"the model must have one input; {node.target!r} is a second one")
            return Value(INPUT, self.shapes[INPUT])
        if node.op == "call_module":
            return self._module(node, str(node.target), self.model.get_submodule(str(node.target)))
        if node.op in ("call_function", "call_method"):
            return self._operation(node)
        raise self._unsupported(node, f"{node.op} {node.target!r}")

    def _module(self, node: fx.Node, name: str, module: nn.Module) -> Value:
        source = self._source(node)
        if isinstance(module, nn.Conv2d):
            return self._append(layers.conv(name, module, source), source)
        if isinstance(module, nn.Linear):
            return self._append(layers.linear(name, module, source), source)
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            return self._batch_norm(node, module)
        if type(module) in _ACTIVATIONS:
            return self._activation(node, _ACTIVATIONS[type(module)])
        if isinstance(module, nn.MaxPool2d):
            arguments = {argument: getattr(module, argument) for argument in _MAX_POOL_DEFAULTS}
            return self._append(layers.max_pool(name, source, arguments), source)
        if isinstance(module, nn.AdaptiveAvgPool2d):
            return self._average_pool(node, name, source, module.output_size)
        if isinstance(module, nn.Flatten) and module.start_dim == 1:
            return replace(source, flat=True)
        if isinstance(module, nn.Identity | nn.Dropout | nn.Dropout2d):
            return source
        raise self._unsupported(node, f"module {name!r} ({type(module).__name__})")

    def _operation(self, node: fx.Node) -> Value:
        target = node.target
        if target in _ADD:
            return self._add(node)
        source = self._source(node)
        if target in _ACTIVATIONS:
            return self._activation(node, _ACTIVATIONS[target])
        if target in _FLATTEN and _keeps_only_the_batch_axis(node):
            return replace(source, flat=True)
        if target in (torch.mean, "mean") and _averages_the_image(node):
            value = self._append(FloatAveragePool(node.name, [source.tensor]), source)
            return replace(value, flat=not _argument(node, 2, "keepdim", False))
        if target is F.adaptive_avg_pool2d:
            return self._average_pool(node, node.name, source, _argument(node, 1, "output_size"))
        if target in (F.max_pool2d, torch.max_pool2d):
            defaults = enumerate(_MAX_POOL_DEFAULTS.items(), start=1)
            arguments = {name: _argument(node, i, name, default) for i, (name, default) in defaults}
            return self._append(layers.max_pool(node.name, source, arguments), source)
        raise self._unsupported(node, f"operation {node.name!r} ({getattr(target, '__name__', target)})")

    def _average_pool(self, node: fx.Node, name: str, source: Value, output_size: Any) -> Value:
        """Adaptive average pooling to one pixel, or to the size that the image has already."""
        pair = tuple(output_size) if isinstance(output_size, list | tuple) else (output_size, output_size)
        if pair == (1, 1):
            return self._append(FloatAveragePool(name, [source.tensor]), source)
        if pair == source.shape[1:]:
            return source
        image = "x".join(map(str, source.shape[1:]))
        raise self._unsupported(node, f"average pooling {name!r} of {image} pixels to {output_size}")

    def _append(self, layer: FloatLayer, source: Value) -> Value:
        if layer.name in self.shapes:
            raise UnsupportedModelError(
                f"layer {layer.name!r} is used twice; each layer must be a module of its own"
            )
        shape = layer.out_shape(source.shape)
        if min(shape) < 1:
            raise UnsupportedModelError(
                f"layer {layer.name!r} has no output pixel for an input of (C, H, W) = {source.shape}"
            )
        self.layers[layer.name], self.shapes[layer.name] = layer, shape
        return Value(layer.name, shape, flat=isinstance(layer, FloatConv) and source.flat)

    def _batch_norm(self, node: fx.Node, norm: nn.BatchNorm1d | nn.BatchNorm2d) -> Value:
        layer = self._open_conv(node.args[0])
        if layer is None or layer.residual:
            raise self._unsupported(
                node, f"BatchNorm {node.target!r}, which does not directly follow a convolution"
            )
        layer.weight, layer.bias = fold_batch_norm(layer.weight, layer.bias, norm)
        return self._source(node)

    def _activation(self, node: fx.Node, activation: Activation) -> Value:
        layer = self._open_conv(node.args[0])
        if layer is None:
            what = f"{activation.value} {node.name!r}, whose input is not a convolution read by it alone"
            raise self._unsupported(node, what)
        layer.activation = activation
        return self._source(node)

    def _add(self, node: fx.Node) -> Value:
        operands = [a for a in node.args if isinstance(a, fx.Node) and a in self.values]
        values = [self.values[a] for a in operands]
        order = list(self.layers)
        candidates = [layer for a in operands if (layer := self._open_conv(a)) and not layer.residual]
        if len(set(values)) != 2 or not candidates or _argument(node, 2, "alpha", 1) != 1:
            what = f"add {node.name!r}, no operand of which is a plain convolution read by it alone"
            raise self._unsupported(node, what)
        if values[0].shape != values[1].shape:
            raise self._unsupported(
                node, f"add {node.name!r} of shapes {values[0].shape} and {values[1].shape}"
            )
        layer = max(candidates, key=lambda c: order.index(c.name))
        other = next(v for v in values if v.tensor != layer.name)
        layer.inputs.append(other.tensor)
        self.layers[layer.name] = self.layers.pop(layer.name)  # its operands, both, now come before it
        return self.values[operands[values.index(other) ^ 1]]

    def _open_conv(self, node: Any) -> FloatConv | None:
        """The convolution behind ``node`` if nothing but the caller reads it and it has no activation."""
        tensor = self.values[node].tensor
        layer = self.layers.get(tensor)
        if not isinstance(layer, FloatConv) or layer.activation is not Activation.NONE:
            return None
        return None if tensor in self.shared else layer

    def _source(self, node: fx.Node) -> Value:
        source = node.args[0] if node.args else node.kwargs.get("input")
        if not isinstance(source, fx.Node) or source not in self.values:
            raise self._unsupported(node, f"{node.name!r} without a tensor operand")
        return self.values[source]

    @staticmethod
    def _unsupported(node: fx.Node, what: str) -> UnsupportedModelError:
        return UnsupportedModelError(f"cannot quantize {what}; supported are: {_SUPPORTED}")


def _argument(node: fx.Node, position: int, name: str, default: Any = None) -> Any:
    return node.args[position] if len(node.args) > position else node.kwargs.get(name, default)


def _keeps_only_the_batch_axis(node: fx.Node) -> bool:
    """True for ``flatten(x, 1)`` and for a reshape to two axes, which after the batch leaves one."""
    if node.target in (torch.flatten, "flatten"):
        return _argument(node, 1, "start_dim") == 1 and _argument(node, 2, "end_dim", -1) == -1
    sizes = node.args[1:]
    if len(sizes) == 1 and isinstance(sizes[0], list | tuple):
        sizes = tuple(sizes[0])
    return len(sizes) == 2


def _averages_the_image(node: fx.Node) -> bool:
    axes = _argument(node, 1, "dim")
    return isinstance(axes, list | tuple) and {axis % 4 for axis in axes} == {2, 3}

"""From any traceable ``nn.Module`` to a :class:`FloatNetwork`: folding and fusion on the torch.fx graph."""

from dataclasses import replace
from itertools import chain, count
from typing import Any

import torch
import torch.nn.functional as F
from torch import fx, nn

from crisp_sw.modules.wrappers import unwrapped
from crisp_sw.quantize.lowering import torch_layers as layers
from crisp_sw.quantize.lowering.float_network import (
    INPUT,
    Activation,
    FloatConv,
    FloatLayer,
    FloatNetwork,
    Shape,
    layer_name,
)
from crisp_sw.quantize.lowering.model_state import compute_weights, evaluate, require_traceable
from crisp_sw.quantize.lowering.reshapes import keeps_only_the_batch_axis, measures_shape
from crisp_sw.quantize.lowering.torch_layers import MAX_POOL_DEFAULTS, UnsupportedModelError, Value
from crisp_sw.quantize.lowering.tracing import (
    ADD,
    COPY,
    FLATTEN,
    KINDS,
    MAX_POOL,
    MEAN,
    RESHAPE,
    arguments,
    kind_of,
    knows,
    trace,
)

_ACTIVATIONS: dict[Any, Activation] = {
    nn.ReLU: Activation.RELU,
    nn.ReLU6: Activation.RELU6,
    F.relu: Activation.RELU,
    torch.relu_: Activation.RELU,
    F.relu6: Activation.RELU6,
    torch.relu: Activation.RELU,
    "relu": Activation.RELU,
    "relu_": Activation.RELU,
}
_SUPPORTED = (
    "Conv2d, Linear, BatchNorm, ReLU, ReLU6, residual add, MaxPool2d, AdaptiveAvgPool2d to one pixel "
    "or to the size of its input, mean over the image, flatten"
)


def lower(model: nn.Module, input_shape: Shape) -> FloatNetwork:
    """Trace ``model`` and fuse it into layers that have an integer counterpart.

    BatchNorm is folded into the convolution before it. A residual addition joins the later of the
    convolutions that produce its operands and have no other reader; ReLU and ReLU6 join the layer
    before them. The network computes what ``model.eval()`` computes, up to float rounding, as far as torch.fx
    sees all of it (:func:`crisp_sw.quantize.lowering.equivalence.require_equivalent` finds out). The layers
    have the names that they have within DataParallel, `torch.compile` and other wrappers.

    Parameters
    ----------
    input_shape : (C, H, W) of one image.

    Raises
    ------
    UnsupportedModelError : the model cannot be traced, has hooks other than those of `torch.nn.utils` that
        compute a weight, or a module or operation is not supported; the message names it and lists what is.
    """
    require_traceable(model)
    network = unwrapped(model)
    evaluate(network)
    compute_weights(network)
    with torch.no_grad():
        return _Lowering(network, input_shape).run(trace(network))


class _Lowering:
    """State of one lowering: the layers so far and the value of every fx node."""

    def __init__(self, model: nn.Module, input_shape: Shape):
        self.model = model
        self.layers: dict[str, FloatLayer] = {}
        self.shapes: dict[str, Shape] = {INPUT: input_shape}
        self.values: dict[fx.Node, Value] = {}
        self.shared: set[str] = set()
        self.modules = {name for name, _ in model.named_modules()}

    def run(self, graph: fx.Graph) -> FloatNetwork:
        result = None
        for node in graph.nodes:
            if node.op == "output":
                result = node.args[0]
            elif not measures_shape(node):
                self.values[node] = value = self._lower(node)
                readers = [user for user in node.users if not measures_shape(user)]
                if len(readers) > 1:
                    self.shared.add(value.tensor)
        if not isinstance(result, fx.Node) or result not in self.values:
            raise UnsupportedModelError("the model must return one tensor")
        if not self.layers:
            raise UnsupportedModelError("the model has no layer that computes; expected one or more")
        layers = list(self.layers.values())
        return FloatNetwork(self.shapes[INPUT], layers, {n: self.shapes[n] for n in [INPUT, *self.layers]})

    def _lower(self, node: fx.Node) -> Value:
        if node.op == "placeholder":
            if self.values:
                raise UnsupportedModelError(f"the model must have one input; {node.target!r} is a second one")
            return Value(INPUT, self.shapes[INPUT])
        if node.op == "call_module":
            return self._module(node, str(node.target), self.model.get_submodule(str(node.target)))
        if node.op in ("call_function", "call_method"):
            return self._operation(node)
        raise self._unsupported(node, f"{node.target!r}, which code of the model reads itself")

    def _module(self, node: fx.Node, name: str, module: nn.Module) -> Value:
        kind = kind_of(module)
        if kind is None:
            own = ", whose forward pass is its own" if isinstance(module, KINDS) else ""
            raise self._unsupported(node, f"module {name!r} ({type(module).__name__}){own}")
        source = self._source(node)
        if isinstance(module, nn.Conv2d):
            return self._append(layers.conv(layer_name(name), module, source), source)
        if isinstance(module, nn.Linear):
            return self._append(layers.linear(layer_name(name), module, source), source)
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            return self._batch_norm(node, module)
        if kind in _ACTIVATIONS:
            return self._activation(node, _ACTIVATIONS[kind])
        if isinstance(module, nn.MaxPool2d):
            options = {option: getattr(module, option) for option in MAX_POOL_DEFAULTS}
            return self._append(layers.max_pool(self._again(name), source, options), source)
        if isinstance(module, nn.AdaptiveAvgPool2d):
            return self._average_pool(node, self._again(name), source, module.output_size)
        if not isinstance(module, nn.Flatten):  # Identity or Dropout
            return source
        if (module.start_dim, module.end_dim) != (1, -1):
            raise self._unsupported(node, f"{module} {name!r}, which keeps other axes than the batch")
        return replace(source, flat=True)

    def _operation(self, node: fx.Node) -> Value:
        target = node.target
        if target in RESHAPE and keeps_only_the_batch_axis(node, self.values):
            return replace(self.values[node.all_input_nodes[0]], flat=True)
        if target in RESHAPE:
            raise self._unknown(node, ", which does not join all axes but the batch")
        if not knows(node):
            raise self._unknown(node)
        if target in ADD:
            return self._add(node)
        source, given = self._source(node), arguments(node)
        if target in _ACTIVATIONS:
            return self._activation(node, _ACTIVATIONS[target])
        if target in FLATTEN and (given.get("start_dim"), given.get("end_dim", -1)) == (1, -1):
            return replace(source, flat=True)
        if target in MEAN and _averages_the_image(given):
            value = self._append(layers.average_pool(self._free(node.name), source), source)
            return replace(value, flat=not given.get("keepdim", False))
        if target is F.adaptive_avg_pool2d:
            return self._average_pool(node, self._free(node.name), source, given["output_size"])
        if target in MAX_POOL:
            options = {**MAX_POOL_DEFAULTS, **given}
            return self._append(layers.max_pool(self._free(node.name), source, options), source)
        if target in COPY:
            return source
        if target is F.dropout and given.get("training") is False:
            return source
        raise self._unknown(node)

    def _average_pool(self, node: fx.Node, name: str, source: Value, output_size: Any) -> Value:
        """Adaptive average pooling to one pixel, or to the size that the image has already."""
        pair = tuple(output_size) if isinstance(output_size, list | tuple) else (output_size, output_size)
        if pair == (1, 1):
            return self._append(layers.average_pool(name, source), source)
        if pair == source.shape[1:]:
            return source
        image = "x".join(map(str, source.shape[1:]))
        raise self._unsupported(node, f"average pooling {name!r} of {image} pixels to {output_size}")

    def _again(self, name: str) -> str:
        """The name of a pooling module's layer: its own, or a free one where it is called again."""
        return self._free(name) if name in self.shapes else name

    def _free(self, name: str) -> str:
        """``name``, or the first of ``name_1``, ``name_2``, ... that no module and no layer has."""
        candidates = chain([name], (f"{name}_{number}" for number in count(1)))
        return next(free for free in candidates if free not in self.shapes and free not in self.modules)

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
        layer = self._open_conv(arguments(node)["input"])
        if layer is None or layer.residual:
            raise self._unsupported(
                node, f"BatchNorm {node.target!r}, which does not directly follow a convolution"
            )
        layers.fold(str(node.target), norm, layer)
        return self._source(node)

    def _activation(self, node: fx.Node, activation: Activation) -> Value:
        source = self._source(node)
        made = self.layers.get(source.tensor)
        clamped = isinstance(made, FloatConv) and made.activation is not Activation.NONE
        if clamped and activation is Activation.RELU:
            return source  # it has no negative values any more
        layer = self._open_conv(arguments(node)["input"])
        if layer is None:
            what = f"{activation.value} {node.name!r}, whose input is not a convolution read by it alone"
            raise self._unsupported(node, what)
        layer.activation = activation
        return source

    def _add(self, node: fx.Node) -> Value:
        given = arguments(node)
        operands = [given.get("input"), given.get("other")]
        operands = [a for a in operands if isinstance(a, fx.Node) and a in self.values]
        values = [self.values[a] for a in operands]
        order = list(self.layers)
        candidates = [layer for a in operands if (layer := self._open_conv(a)) and not layer.residual]
        if given.get("alpha", 1) != 1:
            raise self._unsupported(node, f"add {node.name!r} with alpha {given['alpha']}")
        if len(set(values)) != 2 or not candidates:
            what = f"add {node.name!r}, no operand of which is a plain convolution read by it alone"
            raise self._unsupported(node, what)
        if values[0].shape != values[1].shape:
            raise self._unsupported(
                node, f"add {node.name!r} of shapes {values[0].shape} and {values[1].shape}"
            )
        if values[0].flat != values[1].flat:
            raise self._unsupported(node, f"add {node.name!r} of a flattened tensor and an image")
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
        source = arguments(node).get("input")
        if not isinstance(source, fx.Node) or source not in self.values:
            raise self._unsupported(node, f"{node.name!r} without a tensor operand")
        return self.values[source]

    def _unknown(self, node: fx.Node, why: str = "") -> UnsupportedModelError:
        called = getattr(node.target, "__name__", node.target)
        return self._unsupported(node, f"operation {node.name!r} ({called}){why}")

    @staticmethod
    def _unsupported(node: fx.Node, what: str) -> UnsupportedModelError:
        return UnsupportedModelError(f"cannot quantize {what}; supported are: {_SUPPORTED}")


def _averages_the_image(arguments: dict[str, Any]) -> bool:
    axes = arguments.get("dim")
    return isinstance(axes, list | tuple) and {a % 4 for a in axes if isinstance(a, int)} == {2, 3}

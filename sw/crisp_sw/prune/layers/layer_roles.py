"""Which layer runs first in a model, and which makes its outputs, as the traced forward pass shows them."""

import operator
from typing import Any

import torch
import torch.nn.functional as F
from torch import fx, nn

from crisp_sw.modules.graph_tracer import GraphTracer
from crisp_sw.modules.wrappers import module_copy
from crisp_sw.prune.errors import PruneError

_MODULES = (
    nn.AdaptiveAvgPool2d,
    nn.AdaptiveMaxPool2d,
    nn.AvgPool2d,
    nn.Dropout,
    nn.Dropout2d,
    nn.Flatten,
    nn.Identity,
    nn.LogSoftmax,
    nn.MaxPool2d,
    nn.ReLU,
    nn.ReLU6,
    nn.Sigmoid,
    nn.Softmax,
)
_FUNCTIONS = (
    F.adaptive_avg_pool2d,
    F.adaptive_max_pool2d,
    F.avg_pool2d,
    F.dropout,
    F.log_softmax,
    F.max_pool2d,
    F.relu,
    F.relu6,
    F.sigmoid,
    F.softmax,
    torch.flatten,
    torch.log_softmax,
    torch.mean,
    torch.relu,
    torch.reshape,
    torch.sigmoid,
    torch.softmax,
    torch.squeeze,
)
_METHODS = (
    *("contiguous", "clone", "double", "flatten", "float", "half", "log_softmax", "mean", "relu"),
    *("reshape", "sigmoid", "softmax", "squeeze", "to", "type", "type_as", "view"),
)
"""What gives every class a value of its own, in order, whatever the number of classes."""
_SCALINGS = (operator.mul, operator.truediv, torch.div, torch.mul, "div", "mul")
"""The same where the other operand is a number."""


def output_layer(model: nn.Module, *, otherwise: str) -> str:
    """Return the name of the Conv2d or Linear layer whose output channels are the outputs of ``model``.

    Between the two there may be activations, softmax, pooling over pixels, reshaping and factors. The forward
    pass is that of inference mode, traced on a copy. Names and order of layers do not matter.

    Raises
    ------
    PruneError : the model cannot be traced, or its outputs come from something else; the message says what,
        and ends with what the caller expects ``otherwise``.
    """
    try:
        return _source_of_outputs(*_traced(model))
    except _UnknownError as error:
        raise PruneError(
            f"cannot tell which layer makes the model's outputs, as {error}; expected {otherwise}"
        ) from error


def first_layer(model: nn.Module, *, otherwise: str) -> str:
    """Return the name of the Conv2d or Linear layer that runs first, traced as in :func:`output_layer`.

    Raises
    ------
    PruneError : the code before it cannot be traced, or there is none; the message ends with what the caller
        expects ``otherwise``.
    """
    try:
        return _first_of(*_traced(model))
    except _UnknownError as error:
        raise PruneError(
            f"cannot tell which layer of the model is the first, as {error}; expected {otherwise}"
        ) from error


class _UnknownError(Exception):
    """Why the layer is not known."""


def _traced(model: nn.Module) -> tuple[nn.Module, fx.Graph]:
    traced = module_copy(model).eval()
    for module in traced.modules():  # what hooks do with tensors, such as keeping them, is not for proxies
        module._forward_hooks.clear()
        module._forward_pre_hooks.clear()
    try:
        return traced, _Tracer().trace(traced)
    except Exception as error:  # tracing runs the user's code, which may raise anything
        reason = str(error).partition("\n")[0]
        raise _UnknownError(f"{type(model).__name__} cannot be traced ({reason})") from error


def _first_of(traced: nn.Module, graph: fx.Graph) -> str:
    for node in graph.nodes:
        module = traced.get_submodule(str(node.target)) if node.op == "call_module" else nn.Module()
        if isinstance(module, nn.Conv2d | nn.Linear):
            return str(node.target)
        if any(isinstance(within, nn.Conv2d | nn.Linear) for within in module.modules()):
            raise _UnknownError(f"{str(node.target)!r}, a {type(module).__name__}, cannot be traced")
    raise _UnknownError("none runs as a module of its own")


def _source_of_outputs(traced: nn.Module, graph: fx.Graph) -> str:
    node = _logits(next(iter(reversed(graph.nodes))).args[0])
    while isinstance(node, fx.Node):
        module = traced.get_submodule(str(node.target)) if node.op == "call_module" else None
        if isinstance(module, nn.Conv2d | nn.Linear):
            return str(node.target)
        operands = [
            operand for operand in (*node.args, node.kwargs.get("input")) if isinstance(operand, fx.Node)
        ]
        if not operands or not _keeps_classes(node, module, len(operands)):
            kind = "" if module is None else f", a {type(module).__name__}"
            raise _UnknownError(f"they come from {getattr(node.target, '__name__', node.target)!r}{kind}")
        node = operands[0]
    raise _UnknownError(f"its result is {node!r}, not one tensor")


class _Tracer(GraphTracer):
    """Follows all code that can be traced; a module with other code stays whole."""

    def __init__(self, traceable: dict[nn.Module, bool] | None = None):
        super().__init__()
        self._traceable: dict[nn.Module, bool] = {} if traceable is None else traceable

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        if isinstance(m, nn.Conv2d | nn.Linear) or super().is_leaf_module(m, module_qualified_name):
            return True
        if m not in self._traceable:
            try:
                _Tracer(self._traceable).trace(m)
                self._traceable[m] = True
            except Exception:  # as above
                self._traceable[m] = False
        return not self._traceable[m]


def _logits(result: Any) -> Any:
    """Return the ``logits`` of a named tuple or dataclass, which is traced as the call of its class."""
    if not isinstance(result, fx.Node) or not isinstance(result.target, type):
        return result
    fields = getattr(result.target, "_fields", ())
    named = dict(zip(fields, result.args, strict=False)) | result.kwargs
    return named.get("logits", result)


def _keeps_classes(node: fx.Node, module: nn.Module | None, operands: int) -> bool:
    if module is not None:
        return isinstance(module, _MODULES)
    if node.target in _SCALINGS:
        return operands == 1
    return node.target in (_METHODS if node.op == "call_method" else _FUNCTIONS)

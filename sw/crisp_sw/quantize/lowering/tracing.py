"""The torch.fx graph of what a model's result depends on. Nothing is overwritten; arguments have names."""

import operator
from typing import Any

import torch
import torch.nn.functional as F
from torch import fx, nn

from crisp_sw.modules.graph_tracer import GraphTracer
from crisp_sw.quantize.lowering.torch_layers import MAX_POOL_DEFAULTS, UnsupportedModelError

KINDS = (
    nn.Conv2d,
    nn.Linear,
    nn.BatchNorm1d,
    nn.BatchNorm2d,
    nn.ReLU,
    nn.ReLU6,
    nn.MaxPool2d,
    nn.AdaptiveAvgPool2d,
    nn.Flatten,
    nn.Identity,
    nn.Dropout,
    nn.Dropout2d,
)
"""Modules whose meaning is known, and whose code is not traced."""

ADD = (operator.add, operator.iadd, torch.add, "add", "add_")
FLATTEN = (torch.flatten, "flatten")
RESHAPE = (torch.reshape, "reshape", "view")
MEAN = (torch.mean, "mean")
MAX_POOL = (F.max_pool2d, torch.max_pool2d)
COPY = (torch.clone, "clone", "contiguous", "detach")
_RELU = (F.relu, F.relu6, torch.relu, torch.relu_, "relu", "relu_")

_ARGUMENTS: dict[Any, tuple[str, ...]] = {
    **dict.fromkeys(ADD, ("input", "other", "alpha")),
    **dict.fromkeys(_RELU, ("input", "inplace")),
    **dict.fromkeys(COPY, ("input", "memory_format")),
    **dict.fromkeys(FLATTEN, ("input", "start_dim", "end_dim")),
    **dict.fromkeys(MEAN, ("input", "dim", "keepdim")),
    **dict.fromkeys(MAX_POOL, ("input", *MAX_POOL_DEFAULTS)),
    F.adaptive_avg_pool2d: ("input", "output_size"),
    F.dropout: ("input", "p", "training", "inplace"),
}
"""All arguments that are read of each operation, in their order; a call with others is refused."""

_COMPUTING = ("forward", "_conv_forward", "__call__", "_wrapped_call_impl", "_call_impl")


def kind_of(module: nn.Module) -> type[nn.Module] | None:
    """Return which of ``KINDS`` the module computes as; None if it has a forward pass of its own."""
    for scope in (module, *type(module).__mro__):
        if scope in KINDS:
            return scope
        if any(name in vars(scope) for name in _COMPUTING):
            return None
    return None


def trace(model: nn.Module) -> fx.Graph:
    """Return the graph of ``model``; whoever reads an overwritten tensor reads what overwrote it.

    What nobody reads is not in it, such as another output that the model drops.

    Raises
    ------
    UnsupportedModelError : the model cannot be traced, its forward pass is not that of its class, or a tensor
        is overwritten that is read later in another form.
    """
    if "forward" in vars(model):
        raise UnsupportedModelError(
            f"the forward pass of this {type(model).__name__} was replaced; expected that of its class"
        )
    try:
        graph = _Tracer().trace(model)
    except Exception as error:  # tracing runs the user's code, which may raise anything
        raise UnsupportedModelError(f"torch.fx cannot trace {type(model).__name__}: {error}") from error
    _read_what_overwrote(graph, model)
    for node in reversed(graph.nodes):
        if not node.users and node.op not in ("placeholder", "output"):
            graph.erase_node(node)
    return graph


def arguments(node: fx.Node) -> dict[str, Any]:
    """Return the arguments of a call by their names; what is left to its default is not there.

    Raises
    ------
    UnsupportedModelError : there is one that nobody reads, such as ``out``.
    """
    names = ("input",) if node.op == "call_module" else _ARGUMENTS[node.target]
    unknown = [str(value) for value in node.args[len(names) :]]
    unknown += [name for name in node.kwargs if name not in names]
    if unknown:
        raise UnsupportedModelError(
            f"cannot quantize {node.name!r} with the argument {unknown[0]!r}; "
            f"expected {', '.join(names)} alone"
        )
    return {**dict(zip(names, node.args, strict=False)), **node.kwargs}


def knows(node: fx.Node) -> bool:
    """Whether `arguments` knows the function or method that ``node`` calls."""
    return node.op in ("call_function", "call_method") and node.target in _ARGUMENTS


class _Proxy(fx.Proxy):
    """Stands for a tensor in tracing. That of torch.fx takes ``x += y`` for ``x = x + y``, another tensor."""

    def __iadd__(self, other: Any) -> fx.Proxy:
        return self.tracer.create_proxy("call_function", operator.iadd, (self, other), {})


class _Tracer(GraphTracer):
    def proxy(self, node: fx.Node) -> fx.Proxy:
        return _Proxy(node, self)

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return kind_of(m) is not None or super().is_leaf_module(m, module_qualified_name)


def _read_what_overwrote(graph: fx.Graph, model: nn.Module) -> None:
    """Let all who read a tensor after an in-place operation on it read the operation's result."""
    place = {node: number for number, node in enumerate(graph.nodes)}
    memory: dict[fx.Node, fx.Node] = {}  # the node that made the tensor whose memory a node shows
    for node in place:
        overwrites = _overwrites(node, model)
        source = _overwritten(node) if overwrites or _shows_the_same_memory(node, model) else None
        memory[node] = memory[source] if isinstance(source, fx.Node) else node
        if not overwrites:
            continue
        for other in [other for other, made in memory.items() if made is memory[node] and other is not node]:
            late = [user for user in other.users if place[user] > place[node]]
            if late and other is not source:
                raise UnsupportedModelError(
                    f"the in-place operation {node.name!r} changes what {late[0].name!r} reads of "
                    f"{other.name!r}; expected {late[0].name!r} to read its result"
                )
            other.replace_all_uses_with(node, delete_user_cb=late.__contains__)


def _overwrites(node: fx.Node, model: nn.Module) -> bool:
    """Whether the operation changes a tensor that it is given."""
    if node.op == "call_module":
        return bool(getattr(model.get_submodule(str(node.target)), "inplace", False))
    if node.target is operator.iadd or (knows(node) and arguments(node).get("inplace", False)):
        return True
    called = str(getattr(node.target, "__name__", node.target))
    return "out" in node.kwargs or (called.endswith("_") and not called.endswith("__"))


def _shows_the_same_memory(node: fx.Node, model: nn.Module) -> bool:
    if node.op == "call_module":
        passing = (nn.Flatten, nn.Identity, nn.Dropout, nn.Dropout2d)
        return isinstance(model.get_submodule(str(node.target)), passing)
    return node.target in (*FLATTEN, *RESHAPE, "contiguous", "detach", F.dropout)


def _overwritten(node: fx.Node) -> Any:
    """The tensor that an operation changes, where it changes one: ``out`` or the one that it reads first."""
    return node.kwargs.get("out", node.args[0] if node.args else node.kwargs.get("input"))

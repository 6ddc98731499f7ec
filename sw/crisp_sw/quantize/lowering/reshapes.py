"""Which reshapes in an fx graph are a flatten: those that keep the batch axis and join all others."""

import math
import operator
from collections.abc import Mapping
from typing import Any

from torch import fx

from crisp_sw.quantize.lowering.torch_layers import Value

_BATCH = "batch"


def measures_shape(node: fx.Node) -> bool:
    """True for ``x.size(0)``, ``x.shape`` and ``x.shape[0]``, arguments of a later reshape."""
    if node.op == "call_method" and node.target == "size":
        return True
    if node.target is getattr:
        return node.args[1] == "shape"
    measured = node.args[0] if node.target is operator.getitem else None
    return isinstance(measured, fx.Node) and measures_shape(measured)


def keeps_only_the_batch_axis(node: fx.Node, values: Mapping[fx.Node, Value]) -> bool:
    """Whether a view or reshape of ``node.args[0]`` leaves one axis after the batch."""
    source, *sizes = node.args
    if len(sizes) == 1 and isinstance(sizes[0], list | tuple):
        sizes = list(sizes[0])
    if node.kwargs or len(sizes) != 2 or not isinstance(source, fx.Node) or source not in values:
        return False
    batch, rest = (_size(size, values) for size in sizes)
    features = math.prod(values[source].shape)
    return (batch == _BATCH and rest in (-1, features)) or (batch == -1 and rest == features)


def _size(size: Any, values: Mapping[fx.Node, Value]) -> Any:
    """What a size is known to be: a number, ``_BATCH``, or None."""
    if not isinstance(size, fx.Node):
        return size
    measured, axis = size.args[0], size.kwargs.get("dim", size.args[1] if len(size.args) > 1 else None)
    if size.target is operator.getitem and isinstance(measured, fx.Node):
        measured = measured.args[0]
    if not isinstance(measured, fx.Node) or measured not in values or not isinstance(axis, int):
        return None
    value = values[measured]
    axes = (_BATCH, math.prod(value.shape)) if value.flat else (_BATCH, *value.shape)
    return axes[axis] if -len(axes) <= axis < len(axes) else None

"""The values that a node reads, against what its operator's declaration accepts, and what they weigh."""

from collections.abc import Sequence

from crisp_sw.exchange.onnx.errors import OnnxModelError
from crisp_sw.exchange.onnx.importer.graph import GraphNode
from crisp_sw.exchange.onnx.importer.values import Constant, Dequantized, OpenConv, Value


def check_operands(node: GraphNode, values: Sequence[Value | None]) -> None:
    """Check which inputs of a node are constants, of which types, and which are one number.

    Raises
    ------
    OnnxModelError : names the node, the input and what was expected.
    """
    for item, value in zip(node.declared, values, strict=True):
        if not isinstance(value, Constant | Dequantized):
            if item.constant and value is not None:
                raise OnnxModelError(f"{node.label} has a computed {item.name!r}; expected a constant")
            continue
        dtype = value.value.dtype.name if isinstance(value, Constant) else "float32"
        if dtype not in item.types:
            expected = " or ".join(item.types) or "it to be absent"
            raise OnnxModelError(f"{node.label} has {item.name} of the type {dtype}; expected {expected}")
        size = value.value.size if isinstance(value, Constant) else value.levels.size
        if item.single and size != 1:
            raise OnnxModelError(f"{node.label} has {size} numbers as {item.name}; expected one")


def memory_of(value: Value) -> int:
    """Bytes of the arrays of a value."""
    match value:
        case Constant():
            return value.value.nbytes
        case Dequantized():
            return value.levels.nbytes
        case OpenConv():
            return value.weight.nbytes
    return 0

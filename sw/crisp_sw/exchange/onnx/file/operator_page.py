"""Documentation page of all ONNX operators that are read, from their declaration.

``crisp write-page onnx-operators`` writes ``docs/onnx-operators.md``.
"""

from crisp_sw.exchange.onnx.file.operator_table import OPERATORS
from crisp_sw.exchange.onnx.file.schema import NEWEST_OPSET, OLDEST_OPSET, Attribute, Input, Versioned

HEAD = f"""\
# ONNX operators

Written by `crisp write-page onnx-operators` from `crisp_sw.exchange.onnx.file.operator_table`; edit the
declaration there. A test compares it with ONNX's own definitions of all opsets from {OLDEST_OPSET} to
{NEWEST_OPSET}.

Every input and attribute that these operators have in any of these opsets, and what is made of it. What a
node has beyond that is refused by name, as are other operators, other values than these, and other element
types of constants. Of several outputs only the first can be read.
"""


def operator_page() -> str:
    """The page, in Markdown."""
    lines = [HEAD]
    for name, operator in OPERATORS.items():
        lines += [f"## {name}", "", "| name | kind | opsets | read as |", "| --- | --- | --- | --- |"]
        lines += (_input_row(item) for item in operator.inputs)
        lines += (_attribute_row(item) for item in operator.attributes)
        lines.append("")
    return "\n".join(lines)


def _input_row(item: Input) -> str:
    kind = "inputs" if item.variadic else "optional input" if item.optional else "input"
    reading = item.reading
    if item.constant and item.types:
        reading += f" (constant {' or '.join(item.types)})"
    return f"| `{item.name}` | {kind} | {_opsets(item)} | {reading} |"


def _attribute_row(item: Attribute) -> str:
    default = "" if item.default is None else f"; default {item.default}"
    return f"| `{item.name}` | {item.kind} | {_opsets(item)} | {item.reading}{default} |"


def _opsets(item: Versioned) -> str:
    if item.until < NEWEST_OPSET:
        return f"{item.since}-{item.until}"
    return "all" if item.since == OLDEST_OPSET else f"{item.since}-"

"""Expressions of yosys' Verilog: one operation each, on names, parts of names, constants, and joined ones."""

import re
from collections.abc import Mapping

from crisp_hw.build.readable.modules import NAME, Signal

COMPARISONS = ("==", "!=", "<", "<=", ">", ">=")
BITWISE = ("&", "|", "^")
REDUCTIONS = ("!", "&", "|", "^")
UNARY = (*REDUCTIONS, "~", "-")
WORDS = {
    **{"+": "sum", "-": "difference", "*": "product", "<<": "shifted", ">>": "shifted", ">>>": "shifted"},
    **{"==": "equal", "!=": "differ", "<": "below", "<=": "at_most", ">": "above", ">=": "at_least"},
    **{"&": "both", "|": "either", "^": "odd", "?": "chosen", "~": "inverse", "!": "none"},
}
"""What the result of an operation is called."""

CONSTANT = re.compile(r"(\d+)'([hbd])([0-9a-fx]+)")
_SLICE = re.compile(rf"({NAME})(?:\[(\d+)(?::(\d+))?\])?")
_UNARY = re.compile(r"([-~!&|^]) ?(?=[^&|^\s])")
_OPERATOR = re.compile(r" (==|!=|<=|>=|<<|>>>|>>|<|>|[-+*&|^?]) ")


def operation(expression: str) -> tuple[str, list[str]]:
    """The operator of an expression and its operands; without an operator the expression itself.

    A unary operator is given as ``~x``, with the letter, so that it differs from the binary one.
    """
    if unary := _UNARY.match(expression):
        return f"{unary[1]}x", [expression[unary.end() :]]
    first = _operand_end(expression)
    if first == len(expression):
        return "", [expression]
    found = _OPERATOR.match(expression, first)
    if found is None:
        raise ValueError(f"unknown expression {expression!r}")
    rest = expression[found.end() :]
    if found[1] == "?":
        second = _operand_end(rest)
        return "?", [expression[:first], rest[:second], rest[second + 3 :]]
    return found[1], [expression[:first], rest]


def outer_operators(expression: str) -> list[str]:
    """The binary operators of an expression that stand in no brackets, of one that was put together, too."""
    depth, flat = 0, ""
    for letter in expression:
        depth -= letter in ")}]"
        flat += "" if depth else letter
        depth += letter in "({["
    return _OPERATOR.findall(flat)


def width_of(operand: str, signals: Mapping[str, Signal]) -> int | None:
    """Bits of an operand; None if it is signed."""
    if constant := CONSTANT.fullmatch(operand):
        return int(constant[1])
    if operand.startswith("{"):
        widths = [width_of(part, signals) for part in joined(operand)]
        return None if None in widths else sum(filter(None, widths))
    found = _SLICE.fullmatch(operand)
    if found is None:
        return None
    name, high, low = found.groups()
    if high is not None:
        return int(high) - int(low or high) + 1
    signal = signals[name]
    return None if signal.signed or signal.depth else signal.width


def joined(operand: str) -> list[str]:
    """The parts of ``{a, b}``."""
    return operand.removeprefix("{ ").removesuffix(" }").split(", ")


def part_of(operand: str, high: int, low: int, signals: Mapping[str, Signal]) -> str:
    """Bits ``high`` to ``low`` of an operand."""
    if constant := CONSTANT.fullmatch(operand):
        base = {"h": 16, "b": 2, "d": 10}[constant[2]]
        value = int(constant[3], base) >> low & ((1 << (high - low + 1)) - 1)
        return hexadecimal(value, high - low + 1)
    if operand.startswith("{"):
        return _part_of_joined(joined(operand), high, low, signals)
    found = _SLICE.fullmatch(operand)
    if found is None:
        raise ValueError(f"no part can be taken of {operand!r}")
    name, first, last = found.groups()
    start = int(last or first or 0)
    if width_of(operand, signals) == high - low + 1:
        return operand
    return f"{name}[{high + start}]" if high == low else f"{name}[{high + start}:{low + start}]"


def _part_of_joined(parts: list[str], high: int, low: int, signals: Mapping[str, Signal]) -> str:
    found, start = [], 0
    for part in reversed(parts):
        width = width_of(part, signals) or 0
        first, last = max(low, start), min(high, start + width - 1)
        if first <= last:
            found.append(part_of(part, last - start, first - start, signals))
        start += width
    return found[0] if len(found) == 1 else "{ " + ", ".join(reversed(found)) + " }"


def is_closed(expression: str, width: int, signals: Mapping[str, Signal]) -> bool:
    """Whether an expression is worth the same inside of any other as in a wire of ``width`` bits.

    Verilog computes a sum in the width of all that surrounds it. What only compares or chooses among
    unsigned operands of one width does not depend on it.
    """
    operator, operands = operation(expression)
    widths = [width_of(operand, signals) for operand in operands]
    if operator in COMPARISONS:
        return width == 1
    if operator in ("!x", "&x", "|x", "^x"):
        return width == 1
    if operator == "~x":
        return False
    if operator == "?":
        return widths[1:] == [width, width]
    return operator in ("", *BITWISE) and all(found == width for found in widths)


def polished(expression: str, signals: Mapping[str, Signal]) -> str:
    """An expression with constants as wide as what they are compared with or added to.

    The inverse of one bit is written ``!``, and what asks whether a wider value is 0 as a comparison.
    """
    operator, operands = operation(expression)
    widths = [width_of(operand, signals) for operand in operands]
    if operator == "~x" and widths == [1]:
        return f"!({operands[0]})" if operands[0].startswith(UNARY) else f"!{operands[0]}"
    if operator == "!x":
        wide = (widths[0] or 1) > 1
        return f"{operands[0]} == {hexadecimal(0, widths[0] or 1)}" if wide else f"!{operands[0]}"
    if operator.endswith("x"):
        return f"{operator[0]}{operands[0]}"
    if operator in (*COMPARISONS, *BITWISE, "+", "-"):
        left, right = (_widened(operand, other, signals) for operand, other in (operands, reversed(operands)))
        return f"{left} {operator} {right}"
    return expression


def hexadecimal(value: int, width: int) -> str:
    """A constant as yosys writes it."""
    return f"{width}'h{value:0{-(-width // 4)}x}"


def _widened(operand: str, other: str, signals: Mapping[str, Signal]) -> str:
    """A constant that is narrower than ``other`` in the width of that one, with its sign if it has one."""
    signed = re.fullmatch(r"\$signed\((.*)\)", operand)
    constant = CONSTANT.fullmatch(signed[1] if signed else operand)
    around = re.fullmatch(r"\$signed\((.*)\)", other) if signed else None
    inner = around[1] if around else other
    width = signals[inner].width if inner in signals else width_of(inner, signals)
    if constant is None or constant[2] != "h" or "x" in constant[3] or not width or width <= int(constant[1]):
        return operand
    value, bits = int(constant[3], 16), int(constant[1])
    if signed and value >> (bits - 1):
        value += (1 << width) - (1 << bits)
    return f"$signed({hexadecimal(value, width)})" if signed else hexadecimal(value, width)


def _operand_end(text: str) -> int:
    """Where the operand at the start of a text ends."""
    for opening, closing in (("{", "}"), ("$signed(", ")")):
        if text.startswith(opening):
            return text.index(closing) + 1
    found = CONSTANT.match(text) or re.match(rf"{NAME}(\[[^\]]*\])?", text)
    if found is None:
        raise ValueError(f"unknown expression {text!r}")
    return found.end()

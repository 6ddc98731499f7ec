"""Multiplexer that stays shallow in lookup tables."""

from typing import Any

from amaranth.hdl import Const, Value


def select(values: list[Value], index: Any) -> Value:
    """Balanced AND-OR multiplexer of ``values`` by ``index``; shallow in lookup tables."""
    terms = [
        (value & (index == Const(number, len(index))).replicate(len(value)))
        for number, value in enumerate(values)
    ]
    while len(terms) > 1:
        terms = [terms[i] | terms[i + 1] for i in range(0, len(terms) - 1, 2)] + terms[len(terms) & ~1 :]
    return terms[0]

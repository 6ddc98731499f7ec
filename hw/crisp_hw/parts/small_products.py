"""Products of short fields in logic: a multiplier block would be wasted on them, and lie far from them."""

from functools import reduce
from operator import add
from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value

PRODUCT_LATENCY = 3
"""Of ``registered_product``."""


def short_product(short: Any, long: Any) -> Any:
    """Product of unsigned values as a sum of copies of ``long``, one for every bit of ``short``."""
    copies = (Mux(bit, long, 0) << position for position, bit in enumerate(Value.cast(short)))
    return reduce(add, copies, Const(0, 0))


def registered_product(m: Module, a: Any, b: Any, *, name: str) -> Signal:
    """Product of two unsigned values ``PRODUCT_LATENCY`` cycles later, by way of the quarters of ``b``."""
    middle = len(b) // 2
    low = _sum_of_halves(m, a, b[:middle], f"{name}_low")
    high = _sum_of_halves(m, a, b[middle:], f"{name}_high")
    return _registered_sum(m, low, high, middle, name)


def _sum_of_halves(m: Module, a: Any, b: Any, name: str) -> Signal:
    """Product two cycles later."""
    middle = len(b) // 2
    low = Signal(len(a) + middle, name=f"{name}_low", reset_less=True)
    high = Signal(len(a) + len(b) - middle, name=f"{name}_high", reset_less=True)
    m.d.sync += [low.eq(short_product(b[:middle], a)), high.eq(short_product(b[middle:], a))]
    return _registered_sum(m, low, high, middle, name)


def _registered_sum(m: Module, low: Signal, high: Signal, shift: int, name: str) -> Signal:
    """``low + (high << shift)``, of which the lowest bits are those of ``low`` alone."""
    total = Signal(len(high) + shift, name=name, reset_less=True)
    m.d.sync += total.eq(Cat(low[:shift], high + low[shift:]))
    return total

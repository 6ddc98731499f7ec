"""Products of short fields in logic: a multiplier block would be wasted on them, and lie far from them."""

from functools import reduce
from operator import add
from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, Value

PRODUCT_LATENCY = 2
"""Of ``registered_product``."""


def short_product(short: Any, long: Any) -> Any:
    """Product of unsigned values as a sum of copies of ``long``, one for every bit of ``short``."""
    copies = (Mux(bit, long, 0) << position for position, bit in enumerate(Value.cast(short)))
    return reduce(add, copies)


def registered_product(m: Module, a: Any, b: Any, *, name: str) -> Signal:
    """Product of two unsigned values ``PRODUCT_LATENCY`` cycles later, by way of the halves of ``b``."""
    middle = len(b) // 2
    low = Signal(len(a) + middle, name=f"{name}_low", reset_less=True)
    high = Signal(len(a) + len(b) - middle, name=f"{name}_high", reset_less=True)
    product = Signal(len(a) + len(b), name=name, reset_less=True)
    m.d.sync += [
        low.eq(short_product(b[:middle], a)),
        high.eq(short_product(b[middle:], a)),
        # The lowest bits are those of the lower half alone.
        product.eq(Cat(low[:middle], high + low[middle:])),
    ]
    return product

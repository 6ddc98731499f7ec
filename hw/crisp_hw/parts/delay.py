"""Delay line for values that travel beside a pipeline."""

from typing import Any

from amaranth.hdl import Module, Signal


def delay(m: Module, value: Any, cycles: int, name: str, *, reset_less: bool = True) -> Any:
    """Return ``value`` (a Value or a View) as it was ``cycles`` clock cycles ago, in the same shape.

    Validity bits need ``reset_less=False``, so that nothing spurious comes out after a reset.
    """
    for stage in range(cycles):
        register = Signal(value.shape(), name=f"{name}_{stage + 1}", reset_less=reset_less)
        m.d.sync += register.eq(value)
        value = register
    return value

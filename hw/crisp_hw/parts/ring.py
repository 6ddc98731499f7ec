"""Steps along rings of SMEM rows and positions."""

from typing import Any

from amaranth.hdl import Module, Mux, Value


def add_modulo(value: Value, step: Value, step_less_size: Value) -> Value:
    """Return ``(value + step) mod size``, one addition deep, for ``value`` and ``step`` up to ``size``.

    ``value`` must be below ``size``; ``step_less_size``, a signed register, holds ``step - size``.
    """
    beyond = Value.cast(value + step_less_size)
    return Mux(beyond[-1], value + step, beyond[:-1])


def next_row(m: Module, ring: Any) -> None:
    """Move a view of ``ring_layout`` on by one row."""
    m.d.sync += [
        ring.row.eq(ring.next_row),
        ring.next_row.eq(Mux(ring.next_row == ring.last, ring.base, ring.next_row + 1)),
    ]

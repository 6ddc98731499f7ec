"""Steps along rings of SMEM rows and positions."""

from typing import Any

from amaranth.hdl import Const, Module, Mux, Signal, Value

from crisp_hw.parts.select import select


def add_modulo(value: Value, step: Value, step_less_size: Value) -> Value:
    """Return ``(value + step) mod size``, one addition deep, for ``value`` and ``step`` up to ``size``.

    ``value`` must be below ``size``; ``step_less_size``, a signed register, holds ``step - size``.
    """
    beyond = Value.cast(value + step_less_size)
    return Mux(beyond[-1], value + step, beyond[:-1])


def phase_rows(m: Module, ring: Any, phase: Any, bits: int) -> Value:
    """Rows from the first ring of a plane to ring ``phase`` of four, as ``bits`` bits.

    ``ring``, the rows of one ring, counts from the cycle after it was set on; ``phase`` counts at once.
    """
    once, thrice = Signal(bits, name="ring_once"), Signal(bits, name="ring_thrice")
    m.d.sync += [once.eq(ring), thrice.eq((ring << 1) + ring)]
    return select([Const(0, bits), once, (once << 1)[:bits], thrice], phase)


def next_row(m: Module, ring: Any) -> None:
    """Move a view of ``ring_layout`` on by one row."""
    m.d.sync += [
        ring.row.eq(ring.next_row),
        ring.next_row.eq(Mux(ring.next_row == ring.last, ring.base, ring.next_row + 1)),
    ]

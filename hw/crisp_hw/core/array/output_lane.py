"""Output stage of one array row: bias is already in the accumulator; residual, one rounding, clamp."""

from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal, signed, unsigned
from amaranth.lib.wiring import In, Out

from crisp_hw.cells import Multiplier, Technology
from crisp_hw.core.job import job_layout
from crisp_hw.core.payloads import CHANNEL_LAYOUT
from crisp_hw.parts.delay import delay
from crisp_hw.parts.sharing import Shareable, shared
from crisp_spec.config import ACCUMULATOR_BITS, VALUE_BITS
from crisp_spec.latencies import MULTIPLIER_LATENCY, OUTPUT_LATENCY
from crisp_spec.memories import MULTIPLIER_BITS, SHIFT_BITS

HALF_BITS = ACCUMULATOR_BITS // 2
SUM_BITS = ACCUMULATOR_BITS + MULTIPLIER_BITS + 2
NARROW_BITS = VALUE_BITS + 4
FINE_BITS = 3
LONGEST_FINE = (1 << FINE_BITS) - 1

LEVELS_LAYOUT = job_layout(("y_zero_point", "q_min", "q_max", "res_zero_point"))
"""Zero points and clamp of a layer; constant while its outputs pass."""


class OutputLane(Shareable):
    """Requantization of one channel, one result per cycle, exact for every input.

    ``y = clamp(y_zp + round_shift(acc * multiplier + residual, shift))`` with
    ``residual = (res - res_zp) * res_multiplier << res_shift``.

    ``CHANNEL_LAYOUT`` holds the right shift minus one: ``round_shift(v, s) = ((v >> (s - 1)) + 1) >> 1``.

    Members
    -------
    acc : In(signed 32); residual : In(signed 8); channel : In(CHANNEL_LAYOUT).
    levels : In(LEVELS_LAYOUT).
    y : Out(signed 8), ``latency`` cycles later.
    """

    latency = OUTPUT_LATENCY

    def __init__(self, *, technology: Technology):
        self.technology = technology
        super().__init__(
            {
                "acc": In(signed(ACCUMULATOR_BITS)),
                "residual": In(signed(VALUE_BITS)),
                "channel": In(CHANNEL_LAYOUT),
                "levels": In(LEVELS_LAYOUT),
                "y": Out(signed(VALUE_BITS)),
            }
        )

    @property
    def module_name(self) -> str:
        """Name that tells the technology."""
        return f"output_lane{self.technology.suffix}"

    def elaborate(self, platform):
        m = Module()
        low, high, residual = self._products(m, platform)
        # Operand registers, multiplier, then two additions.
        res_shift = delay(m, self.channel.res_shift, 1 + MULTIPLIER_LATENCY, "res_shift")
        acc_sum = Signal(signed(SUM_BITS), reset_less=True)
        res_term = Signal(signed(SUM_BITS), reset_less=True)
        total = Signal(signed(SUM_BITS), reset_less=True)
        m.d.sync += [
            acc_sum.eq((high << HALF_BITS) + low),
            res_term.eq(residual << res_shift),
            total.eq(acc_sum + res_term),
        ]
        shift = delay(m, self.channel.shift, 3 + MULTIPLIER_LATENCY, "shift")
        self._finish(m, self._shift(m, total, shift))
        return m

    def _products(self, m: Module, platform) -> list:
        """The three products; the accumulator is multiplied in two halves that fit one DSP block each."""
        factor = unsigned(MULTIPLIER_BITS)
        operands = {
            "low": (self.acc[:HALF_BITS], unsigned(HALF_BITS), self.channel.multiplier),
            "high": (self.acc[HALF_BITS:].as_signed(), signed(HALF_BITS), self.channel.multiplier),
            "residual": (
                self.residual - self.levels.res_zero_point,
                signed(VALUE_BITS + 1),
                self.channel.res_multiplier,
            ),
        }
        products = []
        for name, (value, shape, multiplier) in operands.items():
            block = Multiplier(shape, factor, technology=self.technology)
            m.submodules[f"{name}_multiplier"] = shared(platform, block)
            a = Signal(shape, name=f"{name}_operand", reset_less=True)
            b = Signal(factor, name=f"{name}_factor", reset_less=True)
            m.d.sync += [a.eq(value), b.eq(multiplier)]
            m.d.comb += [block.a.eq(a), block.b.eq(b)]
            products.append(block.p)
        return products

    def _shift(self, m: Module, total, shift) -> Signal:
        """Arithmetic right shift in two stages, saturated to ``NARROW_BITS`` in a third."""
        coarse = Signal(signed(SUM_BITS), reset_less=True)
        fine_shift = Signal(FINE_BITS, reset_less=True)
        fine = Signal(signed(NARROW_BITS + LONGEST_FINE), reset_less=True)
        far = Signal(reset_less=True)
        negative = Signal(reset_less=True)
        narrow = Signal(signed(NARROW_BITS), reset_less=True)
        m.d.sync += [
            coarse.eq(total >> Cat(Const(0, FINE_BITS), shift[FINE_BITS:SHIFT_BITS])),
            fine_shift.eq(shift[:FINE_BITS]),
            fine.eq(coarse[: len(fine)].as_signed() >> fine_shift),
            # No fine shift brings these bits into reach.
            far.eq(~_equal(coarse[len(fine) - 1 :])),
            negative.eq(coarse[-1]),
        ]
        fits = ~far & _equal(fine[NARROW_BITS - 1 :])
        extreme = Mux(negative, -(1 << NARROW_BITS - 1), (1 << NARROW_BITS - 1) - 1)
        m.d.sync += narrow.eq(Mux(fits, fine[:NARROW_BITS].as_signed(), extreme))
        return narrow

    def _finish(self, m: Module, narrow) -> None:
        """Round, add the zero point, clamp."""
        offset = Signal(signed(NARROW_BITS + 1), reset_less=True)
        levels = self.levels
        # ((narrow + 1) >> 1) + zp, in one addition.
        m.d.sync += offset.eq((narrow + Cat(Const(1, 1), levels.y_zero_point).as_signed()) >> 1)
        inner = Signal(signed(VALUE_BITS), reset_less=True)
        below = Signal(reset_less=True)
        above = Signal(reset_less=True)
        m.d.sync += [
            inner.eq(offset),
            below.eq(offset < levels.q_min),
            above.eq(offset > levels.q_max),
            self.y.eq(Mux(below, levels.q_min, Mux(above, levels.q_max, inner))),
        ]


def _equal(bits: Any) -> Any:
    """Whether all bits are alike."""
    return (bits == 0) | bits.all()

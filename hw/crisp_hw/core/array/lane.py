"""N:M lane: one activation out of a group of M, times one weight."""

from amaranth.hdl import Module, Signal, signed
from amaranth.lib import data
from amaranth.lib.wiring import In, Out

from crisp_hw.cells import Multiplier, Technology
from crisp_hw.parts.sharing import Shareable, shared
from crisp_spec.config import VALUE_BITS, CoreConfig
from crisp_spec.latencies import LANE_LATENCY


class NmLane(Shareable):
    """Multiplies the activation that ``index`` picks from a group of M by ``weight``, once per cycle.

    The picked activation passes a plain register, so that the way into a DSP column has a cycle of its own.
    The weight has had its own before, which serves all columns of a row.

    Members
    -------
    group : In(m values of 8 bits); index : In(ceil(log2 m)).
    weight : In(signed 8), a cycle later.
    product : Out(signed 16), ``latency`` cycles after the group.
    """

    latency = LANE_LATENCY

    def __init__(self, config: CoreConfig, *, technology: Technology):
        self.config = config
        self.technology = technology
        super().__init__(
            {
                "group": In(data.ArrayLayout(VALUE_BITS, config.m)),
                "index": In(config.group_bits),
                "weight": In(signed(VALUE_BITS)),
                "product": Out(signed(2 * VALUE_BITS)),
            }
        )

    @property
    def module_name(self) -> str:
        """Name that tells M and the technology."""
        return f"nm_lane_{self.config.m}{self.technology.suffix}"

    def elaborate(self, platform):
        m = Module()
        multiplier = Multiplier(signed(VALUE_BITS), signed(VALUE_BITS), technology=self.technology)
        m.submodules.multiplier = shared(platform, multiplier)
        activation = Signal(signed(VALUE_BITS), reset_less=True)
        m.d.sync += activation.eq(self.group[self.index] if self.config.m > 1 else self.group[0])
        m.d.comb += [
            multiplier.a.eq(activation),
            multiplier.b.eq(self.weight),
            self.product.eq(multiplier.p),
        ]
        return m

"""What an AXI interface offers while the design is reset: nothing."""

from typing import Any

from amaranth.hdl import Module, ResetSignal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from crisp_hw.bus.signatures import AxiSignature


class ResetGate(wiring.Component):
    """Hands an AXI interface on; during a reset all VALIDs that leave the design are low.

    AXI demands so from the first cycle of the reset on, and the block behind the gate may be reset some
    cycles later. Without a reset both sides are equal, in the same cycle.

    Parameters
    ----------
    signature : the interface as the block behind the gate has it, flipped if that is a subordinate.

    Members
    -------
    inside : In(signature), to be connected to the block.
    outside : Out(signature), to be connected to the ports of the design.
    """

    def __init__(self, signature: AxiSignature | wiring.FlippedSignature):
        super().__init__({"inside": In(signature), "outside": Out(signature)})

    def elaborate(self, platform):
        m = Module()
        wiring.connect(m, wiring.flipped(self.inside), wiring.flipped(self.outside))
        channels: dict[str, Any] = dict(self.outside.signature.members.items())
        with m.If(ResetSignal()):
            for name, member in channels.items():
                if member.flow is Out:
                    m.d.comb += getattr(self.outside, name).valid.eq(0)
        return m

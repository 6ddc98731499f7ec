"""Top level for measuring a component on an FPGA: cuts its many ports down to a handful of pins."""

from amaranth.hdl import Cat, ClockDomain, Elaboratable, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out

from crisp_hw.parts.delay import delay


class SynthesisWrapper(wiring.Component):
    """Feeds a component from one shift register and reads it through another.

    Every input and output bit of the component gets its own register, so that no logic is optimised away
    and every path through the component starts and ends in a register. The wrapper takes one register for
    each input bit, one register and one LUT for each output bit (``input_bits``, ``output_bits``).

    Members
    -------
    clk, reset_button : In(1), the board's clock and reset; the reset is synchronised.
    serial_in, capture : In(1), the input chain's data; load outputs instead of shifting them.
    serial_out : Out(1), end of the output chain.
    led : Out(1), lit while in reset.
    """

    clk: Signal
    reset_button: Signal
    serial_in: Signal
    capture: Signal
    serial_out: Signal
    led: Signal

    def __init__(self, component: wiring.Component, *, reset_active_low: bool = False):
        self.component = component
        self.reset_active_low = reset_active_low
        pins = {name: In(1) for name in ("clk", "reset_button", "serial_in", "capture")}
        super().__init__({**pins, "serial_out": Out(1), "led": Out(1)})

    @property
    def input_bits(self) -> int:
        """Bits of the component's input ports."""
        return len(self._ports(In))

    @property
    def output_bits(self) -> int:
        """Bits of the component's output ports."""
        return len(self._ports(Out))

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        m.domains.sync = sync = ClockDomain()
        m.d.comb += sync.clk.eq(self.clk)
        # Through a register, so that the pin does not draw the reset to the edge of the chip.
        m.d.comb += self.led.eq(delay(m, sync.rst, 1, "lit"))
        pressed = ~self.reset_button if self.reset_active_low else self.reset_button
        # One stage more than it takes, which may stand anywhere between the pin and the design.
        m.submodules.reset = FFSynchronizer(pressed, sync.rst, stages=3)
        m.submodules.component = self.component

        feed = Signal(self.input_bits, reset_less=True)
        m.d.sync += feed.eq(Cat(self.serial_in, feed))
        m.d.comb += self._ports(In).eq(feed)

        capture = Signal(reset_less=True)
        result = Signal(self.output_bits, reset_less=True)
        m.d.sync += capture.eq(self.capture)
        with m.If(capture):
            m.d.sync += result.eq(self._ports(Out))
        with m.Else():
            m.d.sync += result.eq(result >> 1)
        m.d.comb += self.serial_out.eq(result[0])
        return m

    def _ports(self, flow: wiring.Flow) -> Value:
        """All ports of one direction side by side."""
        members = self.component.signature.flatten(self.component)
        return Value.cast(Cat(*[Value.cast(value) for _, member, value in members if member.flow is flow]))

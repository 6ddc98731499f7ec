"""Keeps the first error in program order."""

from amaranth.hdl import Module, Signal
from amaranth.lib.wiring import In, Out

from crisp_hw.bus.bursts import stream_of
from crisp_hw.control.engine_commands import ERROR_CODE_BITS, ERROR_LAYOUT, INDEX_BITS, STOP_LAYOUT
from crisp_hw.parts.sharing import Shareable
from crisp_spec.error_codes import ErrorCode

SOURCES = ("load", "execute", "store", "dispatch")


class ErrorRecorder(Shareable):
    """Takes one error per cycle and keeps the one with the lowest index. Outputs follow after two cycles.

    Members
    -------
    load, execute, store, dispatch : In, streams of ``ERROR_LAYOUT``.
    expired : In(1), the watchdog; counts only if there is no other error.
    oldest : In(26), the command that the watchdog is about.
    stop : Out(STOP_LAYOUT), valid if there is an error.
    code : Out(8), 0 if there is none.
    """

    def __init__(self):
        super().__init__(
            {
                **{name: In(stream_of(ERROR_LAYOUT)) for name in SOURCES},
                "expired": In(1),
                "oldest": In(INDEX_BITS),
                "stop": Out(STOP_LAYOUT),
                "code": Out(ERROR_CODE_BITS),
            }
        )

    def elaborate(self, platform):
        m = Module()
        valid = Signal()
        error = Signal(ERROR_LAYOUT)
        m.d.sync += valid.eq(0)
        for name in reversed(SOURCES):  # the last assignment wins: the first source
            port = getattr(self, name)
            with m.If(port.valid):
                m.d.sync += [valid.eq(1), error.eq(port.payload)]
        earlier = Signal()
        for name in SOURCES:
            port = getattr(self, name)
            m.d.comb += port.ready.eq(port.valid & ~earlier)
            seen, earlier = earlier | port.valid, Signal(name=f"{name}_or_earlier")
            m.d.comb += earlier.eq(seen)
        with m.If(valid), m.If(~self.stop.valid | (error.index < self.stop.index)):
            m.d.sync += [self.stop.valid.eq(1), self.stop.index.eq(error.index), self.code.eq(error.code)]
        with m.Elif(self.expired & ~self.stop.valid):
            m.d.sync += [
                self.stop.valid.eq(1),
                self.stop.index.eq(self.oldest),
                self.code.eq(ErrorCode.WATCHDOG),
            ]
        return m

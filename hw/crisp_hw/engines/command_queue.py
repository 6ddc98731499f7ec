"""The commands that wait for an engine, and the one that it works on."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from crisp_hw.bus.bursts import stream_of
from crisp_hw.bus.stream_queue import StreamQueue
from crisp_hw.control.engine_commands import COMMAND_LAYOUTS, INDEX_BITS, QUEUE_DEPTH
from crisp_hw.parts.sharing import Shareable, shared

NO_COMMAND = (1 << INDEX_BITS) - 1


class CommandQueue(Shareable):
    """A queue of ``QUEUE_DEPTH`` commands with a register for the one at its head.

    The register has hundreds of bits. A command that has left is followed two cycles later, so that what
    enables the register comes from one.

    Parameters
    ----------
    engine : a key of ``COMMAND_LAYOUTS``.

    Members
    -------
    i : In, stream of commands.
    head : Out(COMMAND_LAYOUTS[engine]), the command at the head, stable from the first cycle of ``valid`` to
        ``next``.
    valid : Out(1), there is one.
    next : In(1), it leaves.
    empty : Out(1), none follows it.
    oldest : Out(26), index of the command at the head, or of the one that will be; ``NO_COMMAND`` if there is
        none.
    """

    def __init__(self, engine: str):
        self.engine, self.layout = engine, COMMAND_LAYOUTS[engine]
        super().__init__(
            {
                "i": In(stream_of(self.layout)),
                "head": Out(self.layout),
                "valid": Out(1),
                "next": In(1),
                "empty": Out(1),
                "oldest": Out(INDEX_BITS),
            }
        )

    @property
    def module_name(self) -> str:
        """Name that tells the engine."""
        return f"{self.engine}_queue"

    def elaborate(self, platform):
        m = Module()
        queue = StreamQueue(self.layout, QUEUE_DEPTH, registered=False)
        m.submodules.queue = shared(platform, queue)
        wiring.connect(m, wiring.flipped(self.i), queue.i)
        head = Signal(self.layout, reset_less=True)
        follows = Signal()
        m.d.sync += follows.eq(queue.o.valid & ~follows & (~self.valid | self.next))
        with m.If(follows):
            m.d.sync += [head.eq(queue.o.payload), self.valid.eq(1)]
        with m.Elif(self.next):
            m.d.sync += self.valid.eq(0)
        m.d.comb += [
            queue.o.ready.eq(follows),
            self.head.eq(head),
            self.empty.eq(queue.empty),
            self.oldest.eq(Mux(queue.empty, NO_COMMAND, queue.o.payload.index)),
        ]
        with m.If(self.valid):
            m.d.comb += self.oldest.eq(head.index)
        return m

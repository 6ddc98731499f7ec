"""Reads groups of pixels from the activation memory and hands them on as beats of the bus."""

from amaranth.hdl import Array, Module, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from crisp_hw.bus.bursts import stream_of
from crisp_hw.bus.stream_queue import StreamQueue
from crisp_hw.core.signatures import ReadSignature
from crisp_hw.engines.store_walker import group_layout
from crisp_hw.parts.credit_counter import CreditCounter
from crisp_hw.parts.sharing import Shareable, shared
from crisp_spec.config import CoreConfig

GROUPS = 8
"""Groups that are being read or wait to be sent; enough to cover the latency of the memory."""


class GroupReader(Shareable):
    """A group is read when there is room for it. Its first beat is offered two cycles after its data came.

    Members
    -------
    i : In, stream of ``group_layout``.
    o : Out, stream of beats.
    read : Out(ReadSignature), to the core.
    empty : Out(1), nothing is being read or waits to be sent.
    """

    def __init__(self, config: CoreConfig):
        self.config = config
        super().__init__(
            {
                "i": In(stream_of(group_layout(config))),
                "o": Out(stream_of(config.bus_bits)),
                "read": Out(ReadSignature(config)),
                "empty": Out(1),
            }
        )

    @property
    def module_name(self) -> str:
        """Name that tells the shape of a group."""
        config = self.config
        return f"group_reader_{config.cols}x{config.word_bits}_{config.bus_bits}"

    def elaborate(self, platform):
        m = Module()
        config = self.config
        room = CreditCounter(GROUPS, initial=GROUPS)
        m.submodules.room = shared(platform, room)
        issued = Signal()
        sent = Signal()
        groups = StreamQueue(config.cols * config.word_bits, GROUPS, registered=False)
        extents = StreamQueue(self._extent, GROUPS, registered=False)
        # It keeps the bus's ready signal from the groups.
        beats = StreamQueue(config.bus_bits, 2, registered=False)
        m.submodules.groups = shared(platform, groups)
        m.submodules.extents = shared(platform, extents)
        m.submodules.beats = shared(platform, beats)
        wiring.connect(m, beats.o, wiring.flipped(self.o))
        m.d.comb += [
            room.give.eq(sent),
            room.take.eq(issued),
            self.read.valid.eq(self.i.valid & room.available),
            self.read.row.eq(self.i.payload.row),
            self.read.next_row.eq(self.i.payload.next_row),
            self.read.rotation.eq(self.i.payload.rotation),
            issued.eq(self.read.valid & self.read.ready),
            self.i.ready.eq(issued),
            extents.i.valid.eq(issued),
            *[extents.i.payload[name].eq(self.i.payload[name]) for name in self._extent.members],
            groups.i.valid.eq(self.read.done),
            groups.i.payload.eq(self.read.data),
            self.empty.eq((room.count == GROUPS) & beats.empty),
        ]
        self._send(m, groups, extents, beats, sent)
        return m

    @property
    def _extent(self) -> data.StructLayout:
        """Where a group's pixels begin, and how many they are."""
        layout = group_layout(self.config).members
        return data.StructLayout({name: layout[name] for name in ("rotation", "pixels")})

    def _send(self, m: Module, groups: StreamQueue, extents: StreamQueue, queue: StreamQueue, sent) -> None:
        """One beat after the other of the group at the head."""
        config = self.config
        parts = config.word_bits // config.bus_bits
        group, bits = Value.cast(groups.o.payload), config.bus_bits
        beats = Array(group[at : at + bits] for at in range(0, len(group), bits))
        moves = Signal()
        shift = ceil_log2(parts)
        extent = extents.o.payload
        # The banks are a ring, in which the place goes on from beat to beat.
        place = Signal(ceil_log2(len(beats)), reset_less=True)
        left = Signal(range(len(beats) + 1), reset_less=True)
        last = Signal(reset_less=True)
        known = Signal()
        follows = Signal()
        m.d.comb += [
            queue.i.valid.eq(groups.o.valid & known),
            queue.i.payload.eq(beats[place]),
            moves.eq(queue.i.valid & queue.i.ready),
            sent.eq(moves & last),
            groups.o.ready.eq(sent),
            follows.eq(~known | sent),
            extents.o.ready.eq(follows),
        ]
        beats_of_group = (extent.pixels << shift)[: len(left)]
        with m.If(follows):
            m.d.sync += [
                known.eq(extents.o.valid),
                place.eq(extent.rotation << shift),
                left.eq(beats_of_group),
                last.eq(beats_of_group == 1),
            ]
        with m.Elif(moves):
            m.d.sync += [place.eq(place + 1), left.eq(left - 1), last.eq(left == 2)]

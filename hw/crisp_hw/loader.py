"""Loads the next window's weights, and each row tile's channel parameters, while the array computes."""

from amaranth.hdl import Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from crisp_golden.config import CoreConfig
from crisp_golden.job import channel_word_bits
from crisp_golden.timing import ACTIVATION_LATENCY
from crisp_hw.cells import BlockRam, Target
from crisp_hw.delay import delay
from crisp_hw.layouts import CHANNEL_SLOTS, channel_bus_layout, job_layout, weight_bus_layout, window_layout
from crisp_hw.sharing import shared


class WeightLoader(wiring.Component):
    """Weight and channel memories, and the walk over them.

    After ``load`` it reads the ``job.load_beats`` words of the window at the head of the queue, one per
    cycle, and with the first window of a row tile also the parameters of its channels. The words of a row
    tile are read again for every pixel tile. ``weights`` is delayed so that a slot's weights reach the array
    together with the beats issued in the same cycles.

    Members
    -------
    job : In(job_layout); start : In(1), rewinds both memories; load : In(1).
    head : In(window_layout), head of the window queue; stable while its weights are loaded.
    weight_write, channel_write : write ports of the memories.
    weights : Out(weight_bus_layout), to row 0; channels : Out(channel_bus_layout), to all rows.
    """

    module_name = "weight_loader"

    def __init__(self, config: CoreConfig, *, target: Target):
        self.config = config
        self.target = target
        super().__init__(
            {
                "job": In(job_layout(config)),
                "start": In(1),
                "load": In(1),
                "head": In(window_layout(config)),
                "weight_write_en": In(1),
                "weight_write_addr": In(ceil_log2(config.weight_words)),
                "weight_write_data": In(config.weight_word_bits),
                "channel_write_en": In(1),
                "channel_write_addr": In(ceil_log2(self.channel_depth)),
                "channel_write_data": In(channel_word_bits(config)),
                "weights": Out(weight_bus_layout(config)),
                "channels": Out(channel_bus_layout(config)),
            }
        )

    @property
    def channel_depth(self) -> int:
        """Words of the channel memory."""
        return self.config.channel_words // self.config.load_rows

    def elaborate(self, platform):
        m = Module()
        config = self.config
        # The sequencer's decision and the head that it took come a cycle later: a long way lies between.
        load, head = Signal(), Signal.like(self.head)
        m.d.sync += [load.eq(self.load), head.eq(self.head)]
        # Counts down to -1, so that its end is one bit; a window has at least two beats.
        left, beats = (Signal(signed(len(self.job.load_beats) + 1), name=name) for name in ("left", "beats"))
        m.d.sync += beats.eq(self.job.load_beats - 2)
        group, n = Signal(range(config.load_beats)), Signal(range(max(2, config.m)))
        buffer, slot = Signal(), Signal(range(CHANNEL_SLOTS))
        loading, ends, new_rows = Signal(), Signal(), Signal()
        m.d.comb += [
            ends.eq(loading & (left < 0)),
            new_rows.eq(head.first & head.first_pixels),
        ]
        with m.If(loading):
            m.d.sync += [left.eq(left - 1), group.eq(group + 1)]
            with m.If(group == config.load_beats - 1):
                m.d.sync += [group.eq(0), n.eq(n + 1)]
        with m.If(ends):
            m.d.sync += [loading.eq(0), n.eq(0), buffer.eq(~buffer), slot.eq(slot + new_rows)]
        with m.If(load):
            m.d.sync += [loading.eq(1), left.eq(beats)]
        with m.If(self.start):
            m.d.sync += [buffer.eq(0), slot.eq(0)]
        self._read_weights(m, platform, head, loading, ends, group, n, buffer)
        self._read_channels(m, platform, loading & new_rows & (n == 0), group, slot)
        return m

    def _read_weights(self, m: Module, platform, head, loading, ends, group, n, buffer) -> None:
        config = self.config
        memory = BlockRam(width=config.weight_word_bits, depth=config.weight_words, target=self.target)
        m.submodules.weight_memory = shared(platform, memory)
        pointer = Signal(ceil_log2(config.weight_words))
        list_start = Signal.like(pointer)
        with m.If(loading):
            m.d.sync += pointer.eq(pointer + 1)
        with m.If(ends & head.last):
            m.d.sync += [
                pointer.eq(Mux(head.last_pixels, pointer + 1, list_start)),
                list_start.eq(Mux(head.last_pixels, pointer + 1, list_start)),
            ]
        with m.If(self.start):
            m.d.sync += [pointer.eq(0), list_start.eq(0)]
        m.d.comb += [
            memory.write_en.eq(self.weight_write_en),
            memory.write_addr.eq(self.weight_write_addr),
            memory.write_data.eq(self.weight_write_data),
            memory.read_en.eq(loading),
            memory.read_addr.eq(pointer),
        ]
        # Beats take as long as ``load``, plus the activation memory, on their way to row 0.
        total = ACTIVATION_LATENCY
        bus = Signal(weight_bus_layout(config))
        m.d.comb += [
            bus.valid.eq(delay(m, loading, memory.latency, "valid", reset_less=False)),
            bus.group.eq(delay(m, group, memory.latency, "group")),
            bus.n.eq(delay(m, n, memory.latency, "n")),
            bus.buffer.eq(delay(m, buffer, memory.latency, "buffer")),
            bus.data.eq(memory.read_data),
        ]
        m.d.comb += self.weights.eq(delay(m, bus, total - memory.latency, "weights", reset_less=False))

    def _read_channels(self, m: Module, platform, reading, group, slot) -> None:
        config = self.config
        memory = BlockRam(width=channel_word_bits(config), depth=self.channel_depth, target=self.target)
        m.submodules.channel_memory = shared(platform, memory)
        pointer = Signal(ceil_log2(self.channel_depth))
        with m.If(reading):
            m.d.sync += pointer.eq(pointer + 1)
        with m.If(self.start):
            m.d.sync += pointer.eq(0)
        valid = delay(m, reading, memory.latency, "channel_valid", reset_less=False)
        m.d.comb += [
            memory.write_en.eq(self.channel_write_en),
            memory.write_addr.eq(self.channel_write_addr),
            memory.write_data.eq(self.channel_write_data),
            memory.read_en.eq(reading),
            memory.read_addr.eq(pointer),
        ]
        m.d.sync += [
            self.channels.valid.eq(valid),
            self.channels.group.eq(delay(m, group, memory.latency, "channel_group")),
            self.channels.slot.eq(delay(m, slot, memory.latency, "channel_slot")),
            self.channels.data.eq(memory.read_data),
        ]

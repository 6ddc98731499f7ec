"""Loads the next window's weights, and each row tile's channel parameters, while the array computes."""

from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from crisp_hw.cells import BeatMemory, Technology
from crisp_hw.core.job import job_layout
from crisp_hw.core.parameter_memories import beat_memory
from crisp_hw.core.payloads import (
    CHANNEL_SLOTS,
    channel_bus_layout,
    fill_layout,
    weight_bus_layout,
    window_layout,
)
from crisp_hw.parts.delay import delay
from crisp_hw.parts.sharing import Shareable
from crisp_spec.commands import Memory
from crisp_spec.config import VALUE_BITS, CoreConfig
from crisp_spec.latencies import ACTIVATION_LATENCY
from crisp_spec.memories import (
    ENTRIES,
    memory_words,
    stored_index_bits,
)


class WeightLoader(Shareable):
    """Weight, group-index and channel memories, and the walk over them.

    After ``load`` it reads the ``job.load_beats`` words of the window at the head of the queue, one per
    cycle, and with the first window of a row tile also the parameters of its channels. The words of a row
    tile are read again for every pixel tile; those of the first window for every window if ``job.uniform``.
    ``weights`` is delayed so that a slot's weights reach the array together with the beats issued in the same
    cycles.

    Members
    -------
    job : In, the fields that it reads. start : In(1), goes back to the bases; load : In(1).
    head : In(window_layout), head of the window queue; stable while its weights are loaded.
    fill : In(fill_layout), beats for the memories.
    weights : Out(weight_bus_layout); channels : Out(channel_bus_layout); both to row 0.
    """

    job_fields = ("load_beats", "uniform", "dense", "max_pool", "residual", "weight_base", "channel_base")

    def __init__(self, config: CoreConfig, *, technology: Technology):
        self.config = config
        self.technology = technology
        super().__init__(
            {
                "job": In(job_layout(self.job_fields)),
                "start": In(1),
                "load": In(1),
                "head": In(window_layout(config)),
                "fill": In(fill_layout(config)),
                "weights": Out(weight_bus_layout(config)),
                "channels": Out(channel_bus_layout(config)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        config = self.config
        # The sequencer's decision and the head that it took come a cycle later: a long way lies between.
        load = Signal()
        head = Signal.like(self.head)
        m.d.sync += [load.eq(self.load), head.eq(self.head)]
        # Counts down to -1, so that its end is one bit; a window has at least two beats.
        left, beats = (Signal(signed(len(self.job.load_beats) + 1), name=name) for name in ("left", "beats"))
        m.d.sync += beats.eq(self.job.load_beats - 2)
        group = Signal(range(config.load_beats))
        n = Signal(range(max(2, config.m)))
        buffer = Signal()
        slot = Signal(range(CHANNEL_SLOTS))
        loading = Signal()
        ends = Signal()
        new_rows = Signal()
        m.d.comb += [
            ends.eq(loading & (left < 0)),
            new_rows.eq(head.first & head.first_pixels),
        ]
        with m.If(loading):
            m.d.sync += [left.eq(left - 1), group.eq(group + 1)]
            with m.If(group == config.load_beats - 1):
                m.d.sync += [group.eq(0), n.eq(n + 1)]
        with m.If(ends):
            m.d.sync += [loading.eq(0), group.eq(0), n.eq(0), buffer.eq(~buffer), slot.eq(slot + new_rows)]
        with m.If(load):
            m.d.sync += [loading.eq(1), left.eq(beats)]
        with m.If(self.start):
            m.d.sync += [buffer.eq(0), slot.eq(0)]
        self._read_weights(m, platform, head, loading, ends, group, n, buffer)
        self._read_channels(m, platform, loading & new_rows & (n == 0), group, slot)
        return m

    def _memory(self, m: Module, platform, memory: Memory) -> BeatMemory:
        return beat_memory(m, platform, self.config, memory, self.fill, technology=self.technology)

    def _read_weights(self, m: Module, platform, head, loading, ends, group, n, buffer) -> None:
        config = self.config
        pointer = Signal(ceil_log2(config.weight_words))
        list_start = Signal.like(pointer)
        with m.If(loading):
            m.d.sync += pointer.eq(pointer + 1)
        with m.If(ends & self.job.uniform):
            m.d.sync += pointer.eq(list_start)
        with m.Elif(ends & head.last):
            m.d.sync += [
                pointer.eq(Mux(head.last_pixels, pointer + 1, list_start)),
                list_start.eq(Mux(head.last_pixels, pointer + 1, list_start)),
            ]
        with m.If(self.start):
            m.d.sync += [pointer.eq(self.job.weight_base), list_start.eq(self.job.weight_base)]
        values = self._memory(m, platform, Memory.WEIGHT)
        m.d.comb += [values.read_en.eq(loading), values.read_addr.eq(pointer)]
        bus = Signal(weight_bus_layout(config))
        late_n = delay(m, n, values.latency, "n")
        indices = self._read_indices(m, platform, loading, pointer, late_n)
        slots = config.load_rows * config.lanes
        words = [values.read_data.word_select(slot, VALUE_BITS) for slot in range(slots)]
        m.d.comb += [
            bus.valid.eq(delay(m, loading, values.latency, "valid", reset_less=False)),
            bus.group.eq(delay(m, group, values.latency, "group")),
            bus.n.eq(late_n),
            bus.buffer.eq(delay(m, buffer, values.latency, "buffer")),
            bus.data.eq(Cat(*[Cat(word, index) for word, index in zip(words, indices, strict=True)])),
        ]
        # Beats take as long as ``load``, plus the activation memory, on their way to row 0.
        rest = ACTIVATION_LATENCY - values.latency
        m.d.comb += self.weights.eq(delay(m, bus, rest, "weights", reset_less=False))

    def _read_indices(self, m: Module, platform, reading, pointer, n) -> list[Value]:
        """Group index of every slot in a weight word, as late as the word itself; ``n`` comes as late."""
        config = self.config
        slots, stored = config.load_rows * config.lanes, stored_index_bits(config)
        if stored == 0:
            return [Const(0, 0)] * slots
        memory = self._memory(m, platform, Memory.GROUP_INDEX)
        m.d.comb += [memory.read_en.eq(reading), memory.read_addr.eq(pointer)]
        words: list[Any] = [memory.read_data.word_select(slot, stored) for slot in range(slots)]
        return [Value.cast(Mux(self.job.dense, n, word)[: config.group_bits]) for word in words]

    def _read_channels(self, m: Module, platform, reading, group, slot) -> None:
        config = self.config
        pointer = Signal(ceil_log2(memory_words(config, Memory.CHANNEL)))
        with m.If(reading):
            m.d.sync += pointer.eq(pointer + 1)
        with m.If(self.start):
            m.d.sync += pointer.eq(self.job.channel_base)
        tables = (Memory.CHANNEL, Memory.RESIDUAL_CHANNEL)
        memories = [self._memory(m, platform, table) for table in tables]
        for memory in memories:
            m.d.comb += [memory.read_en.eq(reading), memory.read_addr.eq(pointer)]
        latency = BeatMemory.latency
        # Without a residual nobody fills that memory; a multiplier of 0 makes whatever it holds harmless.
        adds_residual = Signal()
        m.d.sync += adds_residual.eq(self.job.residual | self.job.max_pool)
        for place in range(config.load_rows):
            parts = [
                memory.read_data.word_select(place, ENTRIES[table].bits)[: ENTRIES[table].used_bits]
                for table, memory in zip(tables, memories, strict=True)
            ]
            m.d.sync += self.channels.data[place].eq(Cat(parts[0], Mux(adds_residual, parts[1], 0)))
        m.d.sync += [
            self.channels.valid.eq(delay(m, reading, latency, "channel_valid", reset_less=False)),
            self.channels.group.eq(delay(m, group, latency, "channel_group")),
            self.channels.slot.eq(delay(m, slot, latency, "channel_slot")),
        ]

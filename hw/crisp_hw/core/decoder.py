"""Block-index decoder: from the raw indices of the kept windows to SMEM rows.

The block-index memory holds, row tile after row tile, the ascending indices ``tap * channel_blocks + block``
of the kept windows, the last of each row tile flagged. The decoder walks them once for every pixel tile,
divides each index into tap and channel block, looks the tap up and finds the tile's first pixels in the ring
that the tap reads.
"""

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, Value, signed
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from crisp_hw.bus.stream_queue import StreamQueue
from crisp_hw.cells import BeatMemory, Multiplier, Technology
from crisp_hw.core.job import job_layout
from crisp_hw.core.parameter_memories import beat_memory
from crisp_hw.core.payloads import (
    BLOCK_INDEX_LAYOUT,
    TAP_LAYOUT,
    bank_bits,
    fill_layout,
    position_bits,
    ring_layout,
    row_bits,
    window_layout,
)
from crisp_hw.parts.credit_counter import CreditCounter
from crisp_hw.parts.delay import delay
from crisp_hw.parts.ring import add_modulo, phase_rows
from crisp_hw.parts.sharing import Shareable, shared
from crisp_spec.commands import Memory
from crisp_spec.config import CoreConfig
from crisp_spec.latencies import DECODE_INTERVAL, LOCATE_LATENCY
from crisp_spec.memories import INDEX_BITS

QUEUE_DEPTH = 8
LOOP_FLAGS = ("first", "last", "first_pixels", "last_pixels", "last_rows")


class TapDivider(Shareable):
    """Pipelined restoring divider: window index to tap and channel block.

    One division per cycle; ``latency`` is the number of quotient bits. Exact for every index whose tap is
    below ``2 ** quotient_bits``.

    Members
    -------
    index : In(INDEX_BITS); divisor : In(divisor_bits), at least 1, stable while divisions are under way.
    tap : Out(quotient_bits); block : Out(divisor_bits), the remainder.
    """

    def __init__(self, quotient_bits: int, divisor_bits: int):
        self.quotient_bits = quotient_bits
        self.divisor_bits = divisor_bits
        super().__init__(
            {
                "index": In(INDEX_BITS),
                "divisor": In(divisor_bits),
                "tap": Out(quotient_bits),
                "block": Out(divisor_bits),
            }
        )

    @property
    def latency(self) -> int:
        """Clock cycles from index to tap."""
        return self.quotient_bits

    def elaborate(self, platform):
        m = Module()
        remainder: Value = self.index
        quotient: list[Any] = []
        for bit in reversed(range(self.quotient_bits)):
            shifted = self.divisor << bit
            fits = remainder >= shifted
            new_remainder = Signal(INDEX_BITS, name=f"remainder_{bit}", reset_less=True)
            new_quotient = Signal(len(quotient) + 1, name=f"quotient_{bit}", reset_less=True)
            m.d.sync += [
                new_remainder.eq(Mux(fits, remainder - shifted, remainder)),
                new_quotient.eq(Cat(fits, *quotient)),
            ]
            remainder, quotient = new_remainder, [new_quotient[i] for i in range(len(new_quotient))]
        m.d.comb += [self.tap.eq(Cat(*quotient)), self.block.eq(remainder)]
        return m


class BlockIndexDecoder(Shareable):
    """Emits one decoded window every ``DECODE_INTERVAL`` cycles, as long as its queue has room.

    A pixel tile may not be longer than the input's ring.

    Members
    -------
    job : In, the fields that it reads, stable from start to the end of the job.
    start : In(1), begins a job at its first index.
    fill : In(fill_layout), beats for the index memory and the tap table.
    o : Out, stream of decoded windows in the order in which the array visits them: row tiles, pixel tiles,
        windows.
    """

    job_fields = (
        *("row_tiles", "pixel_tiles", "depth_full", "channel_blocks", "tap_base", "index_base"),
        *("act_base", "act_plane", "act_ring", "act_start"),
    )

    def __init__(self, config: CoreConfig, *, technology: Technology):
        self.config = config
        self.technology = technology
        super().__init__(
            {
                "job": In(job_layout(self.job_fields)),
                "start": In(1),
                "fill": In(fill_layout(config)),
                "o": Out(stream.Signature(window_layout(config))),  # pyright: ignore[reportArgumentType]
            }
        )

    def elaborate(self, platform):
        m = Module()
        index, flags, fetched = self._fetch(m, platform)
        self._decode(m, platform, index, flags, fetched)
        return m

    def _memory(self, m: Module, platform, memory: Memory) -> BeatMemory:
        return beat_memory(m, platform, self.config, memory, self.fill, technology=self.technology)

    def _fetch(self, m: Module, platform):
        """Walk the lists; return the entry's index, its loop flags and a strobe."""
        config, job = self.config, self.job
        memory = self._memory(m, platform, Memory.BLOCK_INDEX)
        pointer = Signal(ceil_log2(config.index_words))
        list_start = Signal.like(pointer)
        row_tile = Signal.like(job.row_tiles)
        pixel_tile = Signal.like(job.pixel_tiles)
        running = Signal()
        first = Signal()
        phase = Signal(range(DECODE_INTERVAL))
        room = CreditCounter(QUEUE_DEPTH, initial=QUEUE_DEPTH)
        m.submodules.room = shared(platform, room)
        m.d.comb += [memory.read_en.eq(phase == 0), memory.read_addr.eq(pointer)]
        issue = Signal()
        fetched = Signal()
        next_pixels = Signal()
        next_rows = Signal()
        last_pixels = Signal()
        last_rows = Signal()
        final_pixel_tile = Signal.like(pixel_tile)
        final_row_tile = Signal.like(row_tile)
        entry = BLOCK_INDEX_LAYOUT(memory.read_data)
        m.d.comb += [
            issue.eq(running & (phase == 0) & room.available),
            fetched.eq(phase == BeatMemory.latency),
            next_pixels.eq(fetched & entry.last & ~last_pixels),
            next_rows.eq(fetched & entry.last & last_pixels),
        ]
        # Registers: they are read ``BeatMemory.latency`` cycles after the counters last changed, or later.
        m.d.sync += [
            final_pixel_tile.eq(job.pixel_tiles - 1),
            final_row_tile.eq(job.row_tiles - 1),
            last_pixels.eq(pixel_tile == final_pixel_tile),
            last_rows.eq(row_tile == final_row_tile),
        ]
        m.d.comb += [room.give.eq(self.o.valid & self.o.ready), room.take.eq(issue)]
        with m.If((phase != 0) | issue):
            m.d.sync += phase.eq(phase + 1)
        with m.If(fetched):
            m.d.sync += [pointer.eq(pointer + 1), first.eq(entry.last)]
        with m.If(next_pixels):
            m.d.sync += [pointer.eq(list_start), pixel_tile.eq(pixel_tile + 1)]
        with m.If(next_rows):
            m.d.sync += [list_start.eq(pointer + 1), pixel_tile.eq(0), row_tile.eq(row_tile + 1)]
            with m.If(last_rows):
                m.d.sync += running.eq(0)
        with m.If(self.start):
            m.d.sync += [
                running.eq(1),
                first.eq(1),
                row_tile.eq(0),
                pixel_tile.eq(0),
                pointer.eq(job.index_base),
                list_start.eq(job.index_base),
            ]
        flags = {
            "position": self._tile_position(m, next_pixels, self.start | next_rows),
            "first": first,
            "last": entry.last,
            "first_pixels": pixel_tile == 0,
            "last_pixels": last_pixels,
            "last_rows": last_rows,
        }
        return entry.index, flags, fetched

    def _tile_position(self, m: Module, advance: Signal, restart: Value) -> Signal:
        """Position in the ring of the pixel tile's first pixel, which a tap without offset reads."""
        config, job = self.config, self.job
        bits = position_bits(config)
        step = Signal(bits + 1)
        step_less_ring = Signal(signed(bits + 2))
        position = Signal(bits, name="tile_position")
        following = Signal(bits)
        m.d.sync += [
            step.eq(job.depth_full << bank_bits(config)),
            step_less_ring.eq((job.depth_full - job.act_ring) << bank_bits(config)),
            following.eq(add_modulo(position, step, step_less_ring)),
        ]
        with m.If(advance):
            m.d.sync += position.eq(following)
        with m.If(restart):
            m.d.sync += position.eq(job.act_start)
        return position

    def _decode(self, m: Module, platform, index: Any, flags: dict[str, Any], fetched: Signal) -> None:
        """Divide, look the tap up, find its rows and queue the window."""
        config, job = self.config, self.job
        divider = TapDivider(ceil_log2(config.tap_words), len(job.channel_blocks))
        table = self._memory(m, platform, Memory.TAP)
        plane = Multiplier(job.channel_blocks.shape(), job.act_plane.shape(), technology=self.technology)
        m.submodules.divider = shared(platform, divider)
        m.submodules.plane_multiplier = shared(platform, plane)
        m.d.comb += [
            divider.index.eq(index),
            divider.divisor.eq(job.channel_blocks),
            table.read_en.eq(1),
            table.read_addr.eq(divider.tap + job.tap_base),
            plane.a.eq(divider.block),
            plane.b.eq(job.act_plane),
        ]
        lookup = divider.latency + table.latency
        tap = TAP_LAYOUT(table.read_data[: TAP_LAYOUT.size])
        position = delay(m, flags["position"], lookup, "position")
        ring, rotation = self._locate(
            m, position, tap, delay(m, plane.p, table.latency - plane.latency, "plane")
        )
        window = Signal(window_layout(config))
        total = lookup + LOCATE_LATENCY
        m.d.comb += [
            window.ring.eq(ring),
            window.rotation.eq(rotation),
            *[window[name].eq(delay(m, flags[name], total, name)) for name in LOOP_FLAGS],
            *[
                window[name].eq(delay(m, tap[name], LOCATE_LATENCY, name))
                for name in ("y_low", "y_high", "x_low", "x_high")
            ],
        ]
        valid = delay(m, fetched, total, "valid", reset_less=False)
        queue = StreamQueue(window_layout(config), QUEUE_DEPTH)
        m.submodules.queue = shared(platform, queue)
        m.d.comb += [queue.i.valid.eq(valid), queue.i.payload.eq(window)]
        wiring.connect(m, queue.o, wiring.flipped(self.o))

    def _locate(self, m: Module, start: Any, tap: Any, plane: Value) -> tuple[Any, Signal]:
        """Rows and rotation of the pixels that ``tap`` reads for the tile at ``start``.

        They come ``LOCATE_LATENCY`` cycles later, each addition with a register behind it.
        """
        config, job = self.config, self.job
        banks, bits, rows = bank_bits(config), position_bits(config), row_bits(config)
        # Constants of a job.
        last_row = Signal(rows)
        ring_words = Signal(bits + 1)
        m.d.sync += [
            last_row.eq(job.act_ring - 1),
            ring_words.eq(job.act_ring << banks),
        ]
        total = Signal(bits + 1)
        reduced = Signal(signed(bits + 2))
        plane_base = Signal(rows)
        phase = Signal(rows)
        position = Signal(bits)
        base = Signal(rows)
        m.d.comb += reduced.eq(total - ring_words)
        m.d.sync += [
            total.eq(start + tap.offset[:bits]),
            plane_base.eq(job.act_base + plane),
            phase.eq(phase_rows(m, job.act_ring, tap.phase, rows)),
            position.eq(Mux(reduced < 0, total, reduced)),
            base.eq(plane_base + phase),
        ]
        found = Signal(ring_layout(config))
        wraps = Signal()
        rotation = Signal(banks, name="found_rotation")
        ring, final_rotation = Signal(ring_layout(config), name="ring"), Signal(banks, name="rotation")
        m.d.sync += [
            found.row.eq(base + position[banks:]),
            found.base.eq(base),
            found.last.eq(base + last_row),
            wraps.eq(position[banks:] == last_row),
            rotation.eq(position[:banks]),
            ring.eq(found),
            ring.next_row.eq(Mux(wraps, found.base, found.row + 1)),
            final_rotation.eq(rotation),
        ]
        return ring, final_rotation

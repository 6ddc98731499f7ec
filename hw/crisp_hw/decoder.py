"""Block-index decoder: from the raw indices of the kept windows to SMEM addresses.

The block-index memory holds, row tile after row tile, the ascending indices ``tap * channel_blocks + block``
of the kept windows, the last of each row tile flagged. The decoder walks them once for every pixel tile,
divides each index into tap and channel block, looks the tap up and adds the parts of the address.
"""

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import fifo, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from crisp_golden.config import CoreConfig
from crisp_golden.job import INDEX_BITS
from crisp_golden.timing import DECODE_INTERVAL
from crisp_hw.cells import BlockRam, LutRam, Multiplier, Target
from crisp_hw.delay import delay
from crisp_hw.layouts import address_bits, job_layout, tap_layout, window_layout
from crisp_hw.sharing import shared

QUEUE_DEPTH = 8


class TapDivider(wiring.Component):
    """Pipelined restoring divider: window index to tap and channel block.

    One division per cycle; ``latency`` is the number of quotient bits. Exact for every index whose tap is
    below ``2 ** quotient_bits``.

    Members
    -------
    index : In(INDEX_BITS); divisor : In(divisor_bits), at least 1, stable while divisions are under way.
    tap : Out(quotient_bits); block : Out(divisor_bits), the remainder.
    """

    module_name = "tap_divider"

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


class BlockIndexDecoder(wiring.Component):
    """Emits one decoded window every ``DECODE_INTERVAL`` cycles, as long as its queue has room.

    Members
    -------
    job : In(job_layout), stable from start to the end of the job.
    start : In(1), begins a job at index 0.
    index_write, tap_write : write ports of the two memories.
    o : Out, stream of decoded windows in the order in which the array visits them: row tiles, pixel tiles,
        windows.
    """

    module_name = "block_index_decoder"

    def __init__(self, config: CoreConfig, *, target: Target):
        self.config = config
        self.target = target
        super().__init__(
            {
                "job": In(job_layout(config)),
                "start": In(1),
                "index_write_en": In(1),
                "index_write_addr": In(ceil_log2(config.index_words)),
                "index_write_data": In(INDEX_BITS + 1),
                "tap_write_en": In(1),
                "tap_write_addr": In(ceil_log2(config.tap_words)),
                "tap_write_data": In(tap_layout(config).size),
                "o": Out(stream.Signature(window_layout(config))),  # pyright: ignore[reportArgumentType]
            }
        )

    def elaborate(self, platform):
        m = Module()
        entry, flags, fetched = self._fetch(m, platform)
        self._decode(m, platform, entry, flags, fetched)
        return m

    def _fetch(self, m: Module, platform):
        """Walk the lists; return the entry's index, its loop flags and a strobe."""
        config, job = self.config, self.job
        memory = BlockRam(width=INDEX_BITS + 1, depth=config.index_words, target=self.target)
        m.submodules.index_memory = shared(platform, memory)
        pointer = Signal(ceil_log2(config.index_words))
        list_start = Signal.like(pointer)
        row_tile, pixel_tile = Signal.like(job.row_tiles), Signal.like(job.pixel_tiles)
        pixel_base = Signal(address_bits(config))
        running, first = Signal(), Signal()
        phase = Signal(range(DECODE_INTERVAL))
        credit = Signal(range(QUEUE_DEPTH + 1), init=QUEUE_DEPTH)
        m.d.comb += [
            memory.write_en.eq(self.index_write_en),
            memory.write_addr.eq(self.index_write_addr),
            memory.write_data.eq(self.index_write_data),
            memory.read_en.eq(phase == 0),
            memory.read_addr.eq(pointer),
        ]
        issue, fetched = Signal(), Signal()
        last_pixels, last_rows = Signal(), Signal()
        final_pixel_tile, final_row_tile = Signal.like(pixel_tile), Signal.like(row_tile)
        last = memory.read_data[INDEX_BITS]
        m.d.comb += [
            issue.eq(running & (phase == 0) & (credit != 0)),
            fetched.eq(phase == BlockRam.latency),
        ]
        # Registers: they are read ``BlockRam.latency`` cycles after the counters last changed, or later.
        m.d.sync += [
            final_pixel_tile.eq(job.pixel_tiles - 1),
            final_row_tile.eq(job.row_tiles - 1),
            last_pixels.eq(pixel_tile == final_pixel_tile),
            last_rows.eq(row_tile == final_row_tile),
        ]
        m.d.sync += credit.eq(credit - issue + (self.o.valid & self.o.ready))
        with m.If((phase != 0) | issue):
            m.d.sync += phase.eq(phase + 1)
        with m.If(fetched):
            m.d.sync += [pointer.eq(pointer + 1), first.eq(last)]
            with m.If(last & ~last_pixels):
                m.d.sync += [
                    pointer.eq(list_start),
                    pixel_tile.eq(pixel_tile + 1),
                    pixel_base.eq(pixel_base + (job.depth_full << ceil_log2(config.cols))),
                ]
            with m.Elif(last):
                m.d.sync += [
                    list_start.eq(pointer + 1),
                    pixel_tile.eq(0),
                    pixel_base.eq(job.act_base),
                    row_tile.eq(row_tile + 1),
                ]
                with m.If(last_rows):
                    m.d.sync += running.eq(0)
        with m.If(self.start):
            m.d.sync += [
                running.eq(1),
                first.eq(1),
                row_tile.eq(0),
                pixel_base.eq(job.act_base),
                pointer.eq(0),
                list_start.eq(0),
            ]
        flags = {
            "base": pixel_base,
            "first": first,
            "last": last,
            "first_pixels": pixel_tile == 0,
            "last_pixels": last_pixels,
            "last_rows": last_rows,
        }
        return memory.read_data[:INDEX_BITS], flags, fetched

    def _decode(self, m: Module, platform, index: Any, flags: dict[str, Any], fetched: Signal) -> None:
        """Divide, look the tap up, form the address and queue the window."""
        config, job = self.config, self.job
        tap_bits = ceil_log2(config.tap_words)
        divider = TapDivider(tap_bits, len(job.channel_blocks))
        table = LutRam(width=tap_layout(config).size, depth=config.tap_words)
        plane = Multiplier(job.channel_blocks.shape(), job.act_plane.shape(), target=self.target)
        m.submodules.divider = shared(platform, divider)
        m.submodules.tap_table = shared(platform, table)
        m.submodules.plane_multiplier = shared(platform, plane)
        window = Signal(window_layout(config))
        m.d.comb += [
            divider.index.eq(index),
            divider.divisor.eq(job.channel_blocks),
            table.write_en.eq(self.tap_write_en),
            table.write_addr.eq(self.tap_write_addr),
            table.write_data.eq(self.tap_write_data),
            table.read_addr.eq(divider.tap),
            plane.a.eq(divider.block),
            plane.b.eq(job.act_plane),
            *[window[name].eq(value) for name, value in flags.items()],
        ]
        at_tap = delay(m, window, divider.latency, "window")
        tap = tap_layout(config)(table.read_data)
        looked_up = Signal(window_layout(config))
        m.d.comb += [
            looked_up.eq(at_tap),
            looked_up.base.eq(at_tap.base + tap.offset),
            *[looked_up[name].eq(tap[name]) for name in ("y_low", "y_high", "x_low", "x_high")],
        ]
        at_sum = delay(m, looked_up, plane.latency, "looked_up")
        result = Signal(window_layout(config))
        m.d.comb += [result.eq(at_sum), result.base.eq(at_sum.base + plane.p)]
        decoded = delay(m, result, 1, "decoded")
        valid = delay(m, fetched, divider.latency + plane.latency + 1, "valid", reset_less=False)
        m.submodules.queue = queue = fifo.SyncFIFOBuffered(
            width=window_layout(config).size, depth=QUEUE_DEPTH
        )
        m.d.comb += [
            queue.w_en.eq(valid),
            queue.w_data.eq(decoded),
            self.o.valid.eq(queue.r_rdy),
            self.o.payload.eq(queue.r_data),
            queue.r_en.eq(self.o.ready & self.o.valid),
        ]

"""cocotb bench: block-index decoder against the definition of its lists, with a receiver that stalls."""

from dataclasses import dataclass
from itertools import pairwise

import cocotb
import numpy as np
from cocotb.triggers import FallingEdge
from crisp_golden.job import INDEX_BITS, INDEX_FIELDS, job_fields, pack_fields, tap_fields

from cocotb_tests.tb.bits import unpack
from cocotb_tests.tb.clocking import start_clock
from cocotb_tests.tb.parameters import bench_parameters, record_measurements
from crisp_golden.config import CoreConfig
from crisp_golden.timing import DECODE_INTERVAL
from crisp_hw.layouts import window_layout

QUIET_CYCLES = 100


@dataclass(frozen=True, kw_only=True)
class DecoderCase:
    """Registers, tap table and kept windows of each row tile, as a job would hold them."""

    registers: dict[str, int]
    taps: list[dict[str, int]]
    tiles: list[list[int]]

    def expected(self, config: CoreConfig) -> list[dict[str, int]]:
        """The decoded windows in order: row tiles, pixel tiles, kept windows."""
        return [
            self._window(config, tile, pixel_tile, place)
            for tile in range(len(self.tiles))
            for pixel_tile in range(self.registers["pixel_tiles"])
            for place in range(len(self.tiles[tile]))
        ]

    def _window(self, config: CoreConfig, tile: int, pixel_tile: int, place: int) -> dict[str, int]:
        r, indices = self.registers, self.tiles[tile]
        tap, block = divmod(indices[place], r["channel_blocks"])
        pixel = pixel_tile * r["depth_full"] * config.cols
        base = r["act_base"] + pixel + block * r["act_plane"] + self.taps[tap]["offset"]
        return {
            "base": base % config.smem_words,
            **{name: self.taps[tap][name] for name in ("y_low", "y_high", "x_low", "x_high")},
            "first": int(place == 0),
            "last": int(place == len(indices) - 1),
            "first_pixels": int(pixel_tile == 0),
            "last_pixels": int(pixel_tile == r["pixel_tiles"] - 1),
            "last_rows": int(tile == len(self.tiles) - 1),
        }


def random_decoder_case(rng: np.random.Generator, config: CoreConfig) -> DecoderCase:
    """Random lists of any length, over the whole range of taps, channel blocks and addresses."""
    taps = int(rng.integers(1, config.tap_words + 1))
    most_blocks = min(4095, (1 << INDEX_BITS) // taps) if rng.random() < 0.5 else 20
    channel_blocks = int(rng.integers(1, most_blocks + 1))
    windows = taps * channel_blocks
    tiles = []
    for _ in range(int(rng.integers(1, 6))):
        count = int(rng.integers(1, min(windows, 12) + 1))
        tiles.append(sorted(rng.choice(windows, count, replace=False).tolist()))
    registers = {field.name: 0 for field in job_fields(config)} | {
        "row_tiles": len(tiles),
        "pixel_tiles": int(rng.integers(1, 5)),
        "depth_full": int(rng.integers(1, config.tile_depth + 1)),
        "channel_blocks": channel_blocks,
        "act_base": int(rng.integers(config.smem_words)),
        "act_plane": int(rng.integers(config.smem_words)),
    }
    table = [
        {field.name: int(rng.integers(1 << field.bits)) for field in tap_fields(config)} for _ in range(taps)
    ]
    return DecoderCase(registers=registers, taps=table, tiles=tiles)


@cocotb.test()
async def random_lists_decode_in_order(dut):
    """Parameters: config, seed, cases. Every second case stalls the receiver at random."""
    parameters = bench_parameters()
    config = CoreConfig(**parameters["config"])
    await start_clock(dut, start=0, job=0, index_write_en=0, tap_write_en=0, o__ready=0)
    windows = 0
    for number in range(parameters["cases"]):
        rng = np.random.default_rng((parameters["seed"], number))
        case = random_decoder_case(rng, config)
        await _load(dut, config, case)
        expected = case.expected(config)
        ready = 1.0 if number % 2 == 0 else float(rng.uniform(0.02, 0.6))
        seen, cycles = await _receive(dut, config, rng, len(expected), ready)
        assert len(seen) == len(expected)
        for place, (window, wanted) in enumerate(zip(seen, expected, strict=True)):
            assert window == wanted, f"case {number}, window {place}: {window}, not {wanted}"
        if ready == 1.0:
            gaps = {later - earlier for earlier, later in pairwise(cycles)}
            assert gaps <= {DECODE_INTERVAL}, f"case {number}: cycles between windows are {gaps}"
        windows += len(seen)
    record_measurements({"windows": windows})


async def _load(dut, config: CoreConfig, case: DecoderCase) -> None:
    """Write both memories and the registers."""
    entries = [(index, index == tile[-1]) for tile in case.tiles for index in tile]
    index_words = [pack_fields(INDEX_FIELDS, {"index": index, "last": last}) for index, last in entries]
    tap_words = [pack_fields(tap_fields(config), tap) for tap in case.taps]
    for port, words in (("index_write", index_words), ("tap_write", tap_words)):
        getattr(dut, f"{port}_en").value = 1
        for address, word in enumerate(words):
            getattr(dut, f"{port}_addr").value = address
            getattr(dut, f"{port}_data").value = word
            await FallingEdge(dut.clk)
        getattr(dut, f"{port}_en").value = 0
    dut.job.value = pack_fields(job_fields(config), case.registers)


async def _receive(
    dut, config: CoreConfig, rng: np.random.Generator, count: int, ready_probability: float
) -> tuple[list[dict[str, int]], list[int]]:
    """Start the decoder; return the windows that it hands over, and the cycle of each.

    It must then stay silent. A window that is offered must not change until it is taken.
    """
    layout = window_layout(config)
    seen, cycles, offered = [], [], None
    dut.start.value = 1
    cycle, quiet = 0, 0
    while quiet < QUIET_CYCLES:
        ready = rng.random() < ready_probability
        dut.o__ready.value = int(ready)
        if dut.o__valid.value:
            payload = dut.o__payload.value.to_unsigned()
            assert offered in (None, payload), "the window changed while it waited"
            offered = None if ready else payload
            if ready:
                seen.append(unpack(layout, payload))
                cycles.append(cycle)
        else:
            assert offered is None, "the window vanished while it waited"
        await FallingEdge(dut.clk)
        dut.start.value = 0
        cycle += 1
        quiet = quiet + 1 if len(seen) >= count else 0
        assert cycle < 1000 + 400 * count, f"{len(seen)} of {count} windows after {cycle} cycles"
    return seen, cycles

"""Random work for a chain of array rows: tiles with their weights, windows and residuals, cycle by cycle.

Loads, beats and drains run beside each other as in the core, only with random gaps, and as close to each
other as the rows allow. The expected outputs come from NumPy and golden's requantization.
"""

from dataclasses import dataclass, field

import numpy as np

from cocotb_tests.units.output_stages import channel_words
from crisp_golden.arithmetic.fixed_point import requantize
from crisp_golden.arithmetic.network import QuantizedConv
from crisp_golden.pack.windows import weight_slots
from crisp_hw.core.payloads import (
    CHANNEL_LAYOUT,
    CHANNEL_SLOTS,
    beat_layout,
    channel_bus_layout,
    drain_layout,
    weight_bus_layout,
)
from crisp_sim.core.bits import pack, to_bits
from crisp_spec.config import CoreConfig
from crisp_spec.latencies import ACTIVATION_LATENCY, DECODE_INTERVAL, OUTPUT_LATENCY, accumulate_latency

PORTS = ("beat", "words", "weights", "channels", "drain")


@dataclass(frozen=True, kw_only=True)
class RowTile:
    """One tile: ``depth`` groups of ``cols`` pixels for all rows, convolved or, if ``pool``, their maxima.

    Attributes
    ----------
    weights : int8[rows, windows, lanes, m], at most ``n`` non-zeros along the last axis.
    activations : int8[depth, cols, windows, lanes, m].
    residual : int8[depth, cols, word_channels]; row r adds byte ``part * rows + r``.
    """

    n: int
    weights: np.ndarray
    activations: np.ndarray
    residual: np.ndarray
    part: int
    pool: bool = False

    def expected(self, config: CoreConfig, stage: QuantizedConv) -> np.ndarray:
        """The outputs int8[rows, depth, cols]."""
        rows = slice(self.part * config.rows, (self.part + 1) * config.rows)
        if self.pool:
            depth, cols, windows = self.activations.shape[:3]
            bytes_ = self.activations.reshape(depth, cols, windows, config.word_channels).max(axis=2)
            maxima = bytes_.transpose(2, 0, 1)[rows]
            return requantize(np.zeros(maxima.shape, np.int32), stage, maxima, channel_axis=0)
        products = np.einsum("rwlm,dcwlm->rdc", self.weights.astype(int), self.activations.astype(int))
        acc = (products + stage.bias[:, None, None]).astype(np.int32)
        residual = self.residual.transpose(2, 0, 1)[rows]
        return requantize(acc, stage, residual if stage.residual else None, channel_axis=0)


def random_tile(rng: np.random.Generator, config: CoreConfig, *, pool: bool = False) -> RowTile:
    """A tile of random N, depth and number of windows."""
    n, depth = int(rng.integers(1, config.m + 1)), int(rng.integers(1, config.tile_depth + 1))
    n = 1 if pool else n
    windows = int(rng.integers(1, 5))
    weights = rng.integers(-128, 128, (config.rows, windows, config.lanes, config.m))
    kept = rng.random(weights.shape).argsort(axis=-1).argsort(axis=-1) < n
    shape = (depth, config.cols, windows, config.lanes, config.m)
    return RowTile(
        n=n,
        weights=(weights * kept).astype(np.int8),
        activations=rng.integers(-128, 128, shape).astype(np.int8),
        residual=rng.integers(-128, 128, (depth, config.cols, config.word_channels)).astype(np.int8),
        part=int(rng.integers(config.word_channels // config.rows)),
        pool=pool,
    )


@dataclass
class RowSchedule:
    """What to drive in which cycle, and what comes out.

    Attributes
    ----------
    idle : probability of a gap before a beat, load or drain.
    inputs : port, cycle -> bits; a port that is not listed is idle.
    outputs : cycle, row, output lane -> int8.
    """

    config: CoreConfig
    rng: np.random.Generator
    idle: float
    inputs: dict[str, dict[int, int]] = field(default_factory=lambda: {port: {} for port in PORTS})
    outputs: dict[tuple[int, int, int], int] = field(default_factory=dict)
    _next: dict[str, int] = field(default_factory=lambda: dict.fromkeys(PORTS, 0))
    _buffer_free: list[int] = field(default_factory=lambda: [0, 0])
    _bank_free: list[int] = field(default_factory=lambda: [0, 0])
    _buffer: int = 0
    _tiles: int = 0

    @property
    def cycles(self) -> int:
        """The last cycle in which something comes out."""
        return max(cycle for cycle, _, _ in self.outputs)

    def _at(self, port: str, bits: int, *, earliest: int = 0) -> int:
        """Drive ``bits`` in the port's next free cycle from ``earliest`` on, perhaps later; return it."""
        cycle = max(earliest, self._next[port])
        while self.rng.random() < self.idle:
            cycle += 1
        self.inputs[port][cycle] = bits
        self._next[port] = cycle + 1
        return cycle

    def add(self, tile: RowTile, stage: QuantizedConv) -> None:
        """Append a tile; its output stage must have the levels of all others."""
        place = {"bank": self._tiles % 2, "slot": self._tiles % CHANNEL_SLOTS}
        ready = max(self._bank_free[place["bank"]], self._load_channels(place["slot"], stage))
        for window in range(tile.activations.shape[2]):
            loaded = self._load_weights(tile, window)
            last = self._compute(tile, window, place, max(ready, loaded + 1))
            self._buffer_free[self._buffer] = last
            self._buffer ^= 1
        if stage.residual and not tile.pool:
            last = self._fetch_residual(tile, place)
        self._drain(tile.expected(self.config, stage), place, last)
        self._tiles += 1

    def _load_channels(self, slot: int, stage: QuantizedConv) -> int:
        config, words, last = self.config, channel_words(stage), 0
        for group in range(config.load_beats):
            members = words[group * config.load_rows : (group + 1) * config.load_rows]
            data = sum(word << CHANNEL_LAYOUT.size * place for place, word in enumerate(members))
            layout = channel_bus_layout(config)
            word = pack(layout, {"valid": 1, "slot": slot, "group": group}) | data << layout["data"].offset
            last = self._at("channels", word, earliest=self._next["beat"])
        return last

    def _load_weights(self, tile: RowTile, window: int) -> int:
        config, last = self.config, 0
        values, places = weight_slots(tile.weights[:, window], tile.n)
        slots = values.view(np.uint8).astype(int) | places.astype(int) << 8
        for n in range(tile.n):
            for group in range(config.load_beats):
                rows = slots[group * config.load_rows : (group + 1) * config.load_rows, :, n]
                data = sum(int(slot) << config.slot_bits * i for i, slot in enumerate(rows.ravel()))
                bus = {"valid": 1, "buffer": self._buffer, "n": n, "group": group, "data": data}
                word = pack(weight_bus_layout(config), bus)
                last = self._at("weights", word, earliest=self._buffer_free[self._buffer])
        return last

    def _compute(self, tile: RowTile, window: int, place: dict[str, int], ready: int) -> int:
        last, settled, start = 0, 0, max(ready, self._next["beat"])
        for depth, n in np.ndindex(len(tile.activations), tile.n):
            beat = {"fetch": n == 0, "first": window == 0 and n == 0, "n": n, "depth": depth}
            beat |= {"residual": 1, "maximum": 1, "part": tile.part} if tile.pool else {"mac": 1}
            word = pack(beat_layout(self.config), beat | place | {"buffer": self._buffer})
            last = self._at("beat", word, earliest=ready)
            settled = max(settled, last + (4 if tile.pool else 3) - depth * tile.n)
            if n == 0:
                self.inputs["words"][last] = to_bits(tile.activations[depth, :, window])
        # The sequencer never spends less on a window. A group's sum comes back three cycles later, a maximum
        # four.
        self._next["beat"] = max(self._next["beat"], start + DECODE_INTERVAL, settled)
        return last

    def _fetch_residual(self, tile: RowTile, place: dict[str, int]) -> int:
        last = 0
        for depth, windows in enumerate(tile.residual):
            beat = {"fetch": 1, "residual": 1, "depth": depth, "part": tile.part}
            last = self._at("beat", pack(beat_layout(self.config), beat | place))
            self.inputs["words"][last] = to_bits(windows)
        return last

    def _drain(self, y: np.ndarray, place: dict[str, int], last_beat: int) -> None:
        config, cycle = self.config, 0
        # A drain command passes the same register as a beat, but not the path to the accumulators.
        accumulated = last_beat + accumulate_latency(config) - ACTIVATION_LATENCY
        # Some tiles are drained column by column, as for phased outputs.
        pixels = config.drain_cols if self.rng.random() < 0.7 else 1
        for depth, group in np.ndindex(len(y[0]), config.cols // pixels):
            col = group * pixels
            word = pack(drain_layout(config), {"valid": 1, "depth": depth, "col": col} | place)
            cycle = self._at("drain", word, earliest=accumulated)
            for row, lane in np.ndindex(config.rows, pixels):
                self.outputs[cycle + row + 2 + OUTPUT_LATENCY, row, lane] = int(y[row, depth, col + lane])
        self._bank_free[place["bank"]] = cycle + 1

"""One row of the array: sums, requantized outputs and what it hands on, against NumPy."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from crisp_golden.arithmetic.fixed_point import round_shift
from crisp_golden.pack.windows import weight_slots
from crisp_golden.stimuli.small_cores import small_core
from crisp_hw.cells import Technology
from crisp_hw.core.array.array_row import ArrayRow
from crisp_spec.config import CoreConfig
from crisp_spec.latencies import ACTIVATION_LATENCY, OUTPUT_LATENCY, accumulate_latency
from hw.tests.simulate import plain, trace

CONFIGS = {
    "m4": small_core(4, 2, 2, 4, tile_depth=4),
    "m2_wide_tree": small_core(4, 4, 8, 2, tile_depth=2, load_rows=2, drain_cols=2),
    "m8_one_lane": small_core(2, 4, 1, 8, tile_depth=4, drain_cols=4),
    "dense": small_core(2, 2, 8, 1, tile_depth=4),
}
LEVELS = {"y_zero_point": -3, "q_min": -120, "q_max": 101, "res_zero_point": 7}
IDLE = {"fetch": 0, "mac": 0, "residual": 0, "maximum": 0}
Frame = dict[str, Any]


class Tile:
    """A random tile of one row: ``windows`` windows of N:M weights over ``depth`` groups of pixels.

    With ``pool`` it takes the maximum of its byte over the windows, and the accumulators are of no interest.
    """

    def __init__(
        self,
        config: CoreConfig,
        rng: np.random.Generator,
        *,
        bank: int,
        windows: int,
        n: int,
        pool: bool = False,
    ):
        self.config, self.bank, self.n, self.pool = config, bank, 1 if pool else n, pool
        self.slot, self.part = int(rng.integers(16)), int(rng.integers(config.word_channels // config.rows))
        lanes, m = config.lanes, config.m
        fine = rng.random((windows, lanes, m)).argsort(-1) < n
        self.weights = (rng.integers(-128, 128, (windows, lanes, m)) * fine).astype(np.int8)
        shape = (windows, config.tile_depth, config.cols, config.word_channels)
        self.x = rng.integers(-128, 128, shape).astype(np.int8)
        self.residual = rng.integers(-128, 128, shape[1:]).astype(np.int8)
        self.channel = {
            "bias": int(rng.integers(-10_000, 10_000)),
            "multiplier": 0 if pool else int(rng.integers(1 << 15, 1 << 16)),
            "shift": 21,
            "res_multiplier": int(rng.integers(1 << 15, 1 << 16)),
            "res_shift": 6,
        }

    def expected(self, number: int) -> list[int]:
        """Outputs of row ``number`` in the order depth, column."""
        acc = self.channel["bias"] + np.einsum(
            "wc,wdpc->dp", self.weights.reshape(len(self.weights), -1).astype(int), self.x
        )
        place = self.part * self.config.rows + number
        byte = self.x[..., place].max(axis=0) if self.pool else self.residual[:, :, place]
        residual = byte.astype(int) - LEVELS["res_zero_point"]
        scaled = residual * self.channel["res_multiplier"] << self.channel["res_shift"]
        total = round_shift(acc * self.channel["multiplier"] + scaled, self.channel["shift"] + 1)
        return np.clip(total + LEVELS["y_zero_point"], LEVELS["q_min"], LEVELS["q_max"]).ravel().tolist()

    def channel_frame(self, number: int) -> Frame:
        """The channel bus; the other places of the word belong to other rows and hold zeros."""
        group, place = divmod(number, self.config.load_rows)
        zeros = dict.fromkeys(self.channel, 0)
        data = [self.channel if i == place else zeros for i in range(self.config.load_rows)]
        return {"channels": {"valid": 1, "slot": self.slot, "group": group, "data": data}}

    def weight_frames(self, number: int, window: int) -> list[Frame]:
        """The weight bus during one window's load."""
        values, places = weight_slots(self.weights[window], self.n)
        group, place = divmod(number, self.config.load_rows)
        bits = self.config.slot_bits
        frames = []
        for n in range(self.n):
            slots = (values[:, n].view(np.uint8).astype(int) | places[:, n].astype(int) << 8).tolist()
            word = sum(slot << (place * len(slots) + lane) * bits for lane, slot in enumerate(slots))
            bus = {"valid": 1, "buffer": window % 2, "n": n, "group": group, "data": word}
            frames.append({"weights": bus})
        return frames

    def beat_frames(self, window: int) -> list[Frame]:
        """All beats of one window."""
        frames = []
        for depth, n in np.ndindex(self.config.tile_depth, self.n):
            beat = {**IDLE, "fetch": int(n == 0), "first": int(window == 0 and n == 0), "n": n}
            beat |= {"residual": 1, "maximum": 1, "part": self.part} if self.pool else {"mac": 1}
            beat |= {"buffer": window % 2, "bank": self.bank, "depth": depth, "slot": self.slot}
            frames.append({"beat": beat, "words": packed(self.x[window, depth])})
        return frames

    def residual_frames(self) -> list[Frame]:
        """All beats of the residual; a maximum needs none."""
        return (
            []
            if self.pool
            else [
                {
                    "beat": {
                        **IDLE,
                        "fetch": 1,
                        "residual": 1,
                        "bank": self.bank,
                        "depth": d,
                        "part": self.part,
                    },
                    "words": packed(self.residual[d]),
                }
                for d in range(self.config.tile_depth)
            ]
        )

    def drain_frames(self) -> list[Frame]:
        place, step = {"valid": 1, "bank": self.bank, "slot": self.slot}, self.config.drain_cols
        return [
            {"drain": {**place, "depth": depth, "col": col}}
            for depth in range(self.config.tile_depth)
            for col in range(0, self.config.cols, step)
        ]


def packed(words: np.ndarray) -> list[int]:
    """int8[cols, word_channels] to words."""
    return [int.from_bytes(word.tobytes(), "little") for word in words]


def tile_frames(row: ArrayRow, tile: Tile, number: int) -> list[Frame]:
    """Load channel and weights, compute, wait exactly the latency, drain."""
    frames = [tile.channel_frame(number), {"channels": {"valid": 0}}]
    for window in range(len(tile.weights)):
        frames += [*tile.weight_frames(number, window), {"weights": {"valid": 0}}]
        # A group of pixels comes back at the earliest four cycles later.
        frames += [*tile.beat_frames(window), *[{"beat": IDLE}] * (4 if tile.pool else 1)]
    frames += tile.residual_frames()
    frames += [{"beat": IDLE}] * (row.latency - 1)
    return [*frames, *tile.drain_frames(), {"drain": {"valid": 0}}]


def rtl_outputs(row: ArrayRow, number: int, tiles: list[Tile]) -> list[list[int]]:
    """Outputs of each tile, picked ``2 + OUTPUT_LATENCY`` cycles after its drain commands."""
    config = row.config
    frames: list[Frame] = [{"levels": LEVELS, "position": number}]
    drains, commands = [], config.tile_depth * config.cols // config.drain_cols
    for tile in tiles:
        frames += tile_frames(row, tile, number)
        drains.append(len(frames) - 1 - commands)
    outputs = [frame["y"] for frame in trace(row, frames + [{}] * (2 + OUTPUT_LATENCY), ["y"])]
    starts = [first + 2 + OUTPUT_LATENCY for first in drains]
    return [[y for lanes in outputs[start : start + commands] for y in lanes] for start in starts]


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_rows_sum_and_requantize_random_tiles(config: CoreConfig):
    rng = np.random.default_rng(6)
    for number in (0, config.rows - 1):
        tiles = [
            Tile(config, rng, bank=i % 2, windows=1 + i % 3, n=int(rng.integers(1, config.m + 1)), pool=i > 3)
            for i in range(8)
        ]
        row = ArrayRow(config, technology=Technology.GENERIC)
        assert ACTIVATION_LATENCY + row.latency == accumulate_latency(config)
        results = rtl_outputs(row, number, tiles)
        assert results == [tile.expected(number) for tile in tiles]
        assert len({y for result in results for y in result}) > 5, "the outputs are all alike"


def test_a_row_ignores_weights_and_channels_of_other_groups():
    config = CONFIGS["m2_wide_tree"]
    tile = Tile(config, np.random.default_rng(9), bank=0, windows=2, n=2)
    row = ArrayRow(config, technology=Technology.GENERIC)
    frames: list[Frame] = [{"levels": LEVELS, "position": 1}]
    for frame in tile_frames(row, tile, 1):
        frames.append(frame)
        for bus in ("weights", "channels"):
            if frame.get(bus, {}).get("valid"):
                other = {**frame[bus], "group": 1 - frame[bus]["group"]}
                spoiled = {"data": 0} if bus == "weights" else {"data": [dict.fromkeys(tile.channel, 0)] * 2}
                frames.append({bus: other | spoiled})
    lanes = [frame["y"] for frame in trace(row, frames + [{}] * (1 + OUTPUT_LATENCY), ["y"])]
    outputs = [y for pixels in lanes for y in pixels]
    assert outputs[-len(tile.expected(1)) :] == tile.expected(1)


@pytest.mark.parametrize("name", ["m2_wide_tree", "m8_one_lane"])
def test_single_columns_drain_through_the_first_lane(name: str):
    config = CONFIGS[name]
    row, tile = (
        ArrayRow(config, technology=Technology.GENERIC),
        Tile(CONFIGS[name], np.random.default_rng(4), bank=1, windows=2, n=1),
    )
    frames = [frame for frame in tile_frames(row, tile, 0) if not frame.get("drain", {}).get("valid")]
    place = {"valid": 1, "bank": tile.bank, "slot": tile.slot}
    drains: list[Frame] = [
        {"drain": {**place, "depth": depth, "col": col}}
        for depth, col in np.ndindex(config.tile_depth, config.cols)
    ]
    frames = [{"levels": LEVELS, "position": 0}, *frames, *drains, *[{}] * (2 + OUTPUT_LATENCY)]
    outputs = [frame["y"][0] for frame in trace(row, frames, ["y"])]
    assert outputs[-len(drains) :] == tile.expected(0)


def test_the_row_below_receives_everything_one_cycle_later_and_words_only_when_fetched():
    config = CONFIGS["m4"]
    rng = np.random.default_rng(2)
    names = ("beat", "weights", "drain", "words")
    row = ArrayRow(config, technology=Technology.GENERIC)
    frames = []
    for _ in range(60):
        frames.append({name: int(rng.integers(1 << 30)) for name in names[:3]})
        frames[-1]["words"] = rng.integers(1 << 30, size=config.cols).tolist()
    seen = trace(row, frames, [*names, *[f"next_{name}" for name in names]])
    held = plain(seen[0]["next_words"])
    for before, after in pairwise(seen):
        for name in names[:3]:
            assert after[f"next_{name}"] == before[name]
        held = before["words"] if before["beat"]["fetch"] else held
        assert after["next_words"] == held

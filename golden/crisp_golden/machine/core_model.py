"""What the compute core does with an EXECUTE command: exact in its bits, but not cycle by cycle.

The core's loops are turned inside out. All windows that any row tile reads are gathered once, and a row
tile is one matrix product over its kept windows. Products are computed in floating point where every sum is
exact.
"""

from collections.abc import Mapping

import numpy as np

from crisp_golden.format.memory_words import unpack_indices
from crisp_golden.machine.chip import Chip
from crisp_spec.commands import Memory
from crisp_spec.memories import stored_index_bits

FLOAT32_EXACT = 1 << 24

WORTHWHILE_DENSITY = 1 / 8
"""Share of a job's windows that row tiles must visit on average to be multiplied all at once."""


def window_lists(chip: Chip, fields: Mapping[str, int]) -> list[np.ndarray]:
    """The window indices of each row tile that an EXECUTE command visits.

    Raises
    ------
    LookupError : a list has no last entry. The hardware reads the memory round and round then, until the
        watchdog ends it.
    """
    entries = chip.entries(Memory.BLOCK_INDEX, fields["index_base"], chip.config.index_words)
    ends = np.flatnonzero(entries["last"])[: fields["row_tiles"]] + 1
    if len(ends) < fields["row_tiles"]:
        raise LookupError("a list of block indices has no last entry")
    return np.split(entries["index"], ends)[:-1]


def window_counts(chip: Chip, fields: Mapping[str, int]) -> np.ndarray:
    """int[row tiles], windows that an EXECUTE command visits in each; see ``window_lists``."""
    return np.array([len(entry) for entry in window_lists(chip, fields)])


class CoreModel:
    """Executes one job.

    Parameters
    ----------
    chip : its SMEM is changed by ``run``.
    fields : of the job, see ``crisp_spec.commands.JOB_FIELDS``; token flags are ignored.
    """

    def __init__(self, chip: Chip, fields: Mapping[str, int]):
        self.chip, self.config, self.fields = chip, chip.config, fields
        groups = (fields["pixel_tiles"] - 1) * fields["depth_full"] + fields["depth_last"]
        self.pixels = np.arange(groups * self.config.cols)
        self.y, self.x = np.divmod(self.pixels, fields["pitch"])
        # The last group may reach beyond the grid; those pixels are never written, so nobody needs them.
        grid = (fields["out_height"] - 1) * fields["pitch"] + fields["out_width"]
        kept = self.pixels < max(grid, 0)
        self.pixels, self.y, self.x = self.pixels[kept], self.y[kept], self.x[kept]
        self.exists = (self.x < fields["out_width"]) & (self.y < fields["out_height"])

    def run(self) -> np.ndarray:
        """Compute all row tiles; return int[row tiles], the windows visited in each."""
        windows = window_lists(self.chip, self.fields)
        used = np.unique(np.concatenate(windows))
        places = [np.searchsorted(used, indices) for indices in windows]
        inputs = self._gather(used)
        if self.fields["max_pool"]:
            outputs = [self._maximum(tile, inputs[:, chosen]) for tile, chosen in enumerate(places)]
        else:
            sums = self._accumulate(inputs, places)
            outputs = [self._requantize(tile, acc, self._residual(tile)) for tile, acc in enumerate(sums)]
        for tile, output in enumerate(outputs):
            self._write(tile, output)
        return np.array([len(indices) for indices in windows])

    def _gather(self, indices: np.ndarray) -> np.ndarray:
        """int8[pixels, windows, word_channels]: what each reads; the zero point outside the tap's range."""
        fields, config = self.fields, self.config
        taps, blocks = np.divmod(indices, fields["channel_blocks"])
        table = self.chip.entries(Memory.TAP, fields["tap_base"], int(taps.max()) + 1)
        ring = fields["act_ring"] * config.cols
        result = np.empty((len(self.pixels), len(indices), config.word_channels), np.int8)
        smem = self.chip.smem
        for number, (tap, block) in enumerate(zip(taps, blocks, strict=True)):
            position = (fields["act_start"] + self.pixels + table["offset"][tap]) % ring
            row = fields["act_base"] + block * fields["act_plane"] + table["phase"][tap] * fields["act_ring"]
            inside = (table["y_low"][tap] <= self.y) & (self.y < table["y_high"][tap])
            inside &= (table["x_low"][tap] <= self.x) & (self.x < table["x_high"][tap])
            words = smem[(row * config.cols + position) % len(smem)]
            words[~inside] = fields["x_zero_point"]
            result[:, number] = words
        return result

    def _channels(self, tile: int, memory: Memory) -> dict[str, np.ndarray]:
        """Parameters of a row tile's channels, each as int64[rows, 1]."""
        first = self.fields["channel_base"] * self.config.load_rows + tile * self.config.rows
        found = self.chip.entries(memory, first, self.config.rows)
        return {name: value[:, None] for name, value in found.items()}

    def _accumulate(self, inputs: np.ndarray, places: list[np.ndarray]) -> np.ndarray:
        """int64[row tiles, rows, pixels]; ``places`` has the numbers of each tile's windows in ``inputs``."""
        rows, pixels, channels = self.config.rows, len(self.pixels), self.config.word_channels
        firsts = np.cumsum([0, *(len(chosen) for chosen in places)])
        weights = [self._weights(first, len(chosen)) for first, chosen in zip(firsts, places, strict=False)]
        bound = 128 * max(int(np.abs(tile).sum(axis=1).max()) for tile in weights)
        kind = np.float32 if bound < FLOAT32_EXACT else np.float64
        products = np.empty((len(places), rows, pixels))
        if firsts[-1] >= len(places) * inputs.shape[1] * WORTHWHILE_DENSITY:
            # One product with zeros for what a row tile does not visit is faster than many small ones.
            matrix = np.zeros((len(places), rows, inputs.shape[1], channels), kind)
            for tile, chosen in enumerate(places):
                matrix[tile][:, chosen] = weights[tile].reshape(rows, len(chosen), channels)
            flat = inputs.reshape(pixels, -1).astype(kind)
            products[:] = (flat @ matrix.reshape(len(places) * rows, -1).T).T.reshape(products.shape)
        else:
            for tile, chosen in enumerate(places):
                flat = inputs[:, chosen].reshape(pixels, -1).astype(kind)
                products[tile] = (flat @ weights[tile].astype(kind).T).T
        biases = [self._channels(tile, Memory.CHANNEL)["bias"] for tile in range(len(places))]
        return products.astype(np.int64) + np.stack(biases)

    def _weights(self, first: int, windows: int) -> np.ndarray:
        """int64[rows, windows * word_channels]: the row tile's weights, N:M groups expanded."""
        fields, config = self.fields, self.config
        rows, lanes, m, n = config.rows, config.lanes, config.m, fields["n"]
        count = n * rows * lanes
        slot = config.load_rows * lanes
        if fields["uniform"]:
            first, windows, repeats = 0, 1, windows
        else:
            repeats = 1
        base = fields["weight_base"] * slot + first * count
        values = self.chip.words(Memory.WEIGHT, base, windows * count, "i1")
        values = values.reshape(windows, n, rows, lanes).astype(np.int64)
        expanded = np.zeros((rows, windows, lanes, m), np.int64)
        places = self._places(base, windows * count).reshape(values.shape)
        window, row, lane = np.ix_(np.arange(windows), np.arange(rows), np.arange(lanes))
        for number in range(n):
            # The unused slots of a group hold zero and any index.
            np.add.at(expanded, (row, window, lane, places[:, number]), values[:, number])
        return np.tile(expanded.reshape(rows, -1), (1, repeats))

    def _places(self, base: int, count: int) -> np.ndarray:
        """Channel of its group that each of ``count`` slots belongs to."""
        config, n = self.config, self.fields["n"]
        if config.m == 1:
            return np.zeros(count, np.int64)
        if self.fields["dense"]:
            slots = np.arange(count) // (config.rows * config.lanes) % n
            return slots
        per_byte = 8 // stored_index_bits(config)
        packed = self.chip.words(Memory.GROUP_INDEX, base // per_byte, -(-count // per_byte) + 1, "u1")
        return unpack_indices(config, packed)[base % per_byte :][:count].astype(np.int64)

    def _maximum(self, tile: int, inputs: np.ndarray) -> np.ndarray:
        """int8[rows, pixels]: the maxima of a row tile's channels, past the output stage."""
        _, part = self._part(tile)
        maxima = inputs[:, :, part].max(axis=1).astype(np.int64).T
        return self._requantize(tile, np.zeros_like(maxima), maxima)

    def _part(self, tile: int) -> tuple[int, slice]:
        """Plane of the output and residual, and the channels in it, of a row tile."""
        rows = self.config.rows
        plane, part = divmod(self.fields["out_part"] + tile, self.config.word_channels // rows)
        return plane, slice(part * rows, (part + 1) * rows)

    def _residual(self, tile: int) -> np.ndarray | None:
        """int64[rows, pixels], or None."""
        fields, config = self.fields, self.config
        if not fields["residual"]:
            return None
        plane, part = self._part(tile)
        position = (fields["res_start"] + self.pixels) % (fields["res_ring"] * config.cols)
        address = (fields["res_base"] + plane * fields["res_plane"]) * config.cols + position
        return self.chip.smem[address % config.smem_words, part].T.astype(np.int64)

    def _requantize(self, tile: int, acc: np.ndarray, residual: np.ndarray | None) -> np.ndarray:
        """int8[rows, pixels]."""
        fields = self.fields
        channel = self._channels(tile, Memory.CHANNEL)
        total = acc * channel["multiplier"]
        if residual is not None:
            scale = self._channels(tile, Memory.RESIDUAL_CHANNEL)
            total += (residual - fields["res_zero_point"]) * scale["res_multiplier"] << scale["res_shift"]
        rounded = (total >> channel["shift"]) + 1 >> 1
        return np.clip(rounded + fields["y_zero_point"], fields["q_min"], fields["q_max"]).astype(np.int8)

    def _write(self, tile: int, output: np.ndarray) -> None:
        fields, config = self.fields, self.config
        plane, part = self._part(tile)
        ring = fields["out_ring"] * config.cols
        y, x = self.y[self.exists], self.x[self.exists]
        row = fields["out_base"] + plane * fields["out_plane"]
        if fields["out_phased"]:
            y = y + fields["out_odd_row"]
            row = row + (2 * (y % 2) + x % 2) * fields["out_ring"]
            position = fields["out_start"] + y // 2 * fields["out_pitch"] + x // 2
        else:
            position = fields["out_start"] + self.pixels[self.exists]
        address = row * config.cols + position % ring
        self.chip.smem[address % config.smem_words, part] = output.T[self.exists]

"""Executes a packed job in plain NumPy: what a reader of the memory images, without the packer, would do.

Every word is taken apart by hand-written bit positions, so a mistake in ``crisp_golden.job`` or
``crisp_golden.packing`` cannot hide in its own declaration.
"""

from dataclasses import dataclass

import numpy as np

from crisp_golden.config import CoreConfig
from crisp_golden.packing import Job


@dataclass(frozen=True)
class TapWord:
    """A word of the tap table: offset above nothing, then four 10-bit coordinates."""

    offset: int
    y_low: int
    y_high: int
    x_low: int
    x_high: int


@dataclass(frozen=True)
class ChannelWord:
    """One output channel: 32-bit bias, 16-bit multiplier, 6-bit shift - 1, residual's 16 and 4 bits."""

    bias: int
    multiplier: int
    shift: int
    res_multiplier: int
    res_shift: int


def bits(word: int, low: int, count: int) -> int:
    """``count`` bits of ``word`` from bit ``low`` upwards."""
    return word >> low & ((1 << count) - 1)


def decode_tap(config: CoreConfig, word: int) -> TapWord:
    """Take a tap word apart."""
    address = config.smem_words.bit_length() - 1
    return TapWord(bits(word, 0, address), *(bits(word, address + 10 * i, 10) for i in range(4)))


def decode_channel(word: int) -> ChannelWord:
    """Take the 74 bits of one channel apart."""
    bias = bits(word, 0, 32)
    signed_bias = bias - (1 << 32) if bias >> 31 else bias
    return ChannelWord(
        signed_bias, bits(word, 32, 16), bits(word, 48, 6), bits(word, 54, 16), bits(word, 70, 4)
    )


def decode_weights(config: CoreConfig, words: np.ndarray) -> np.ndarray:
    """uint8[n * load_beats, bytes] of one window to int64[rows, lanes, m].

    Slots of one group index are added up, which a zero in an unused slot does not disturb.
    """
    slot_bits = 8 + (config.m - 1).bit_length()
    matrix = np.zeros((config.rows, config.lanes, config.m), np.int64)
    for beat, row_bytes in enumerate(words):
        word = int.from_bytes(row_bytes.tobytes(), "little")
        first_row = beat % (config.rows // config.load_rows) * config.load_rows
        for slot in range(config.load_rows * config.lanes):
            row, lane = divmod(slot, config.lanes)
            value = bits(word, slot * slot_bits, 8)
            place = bits(word, slot * slot_bits + 8, slot_bits - 8)
            matrix[first_row + row, lane, place] += value - 256 if value > 127 else value
    return matrix


class JobExecutor:
    """Runs a job on an activation memory.

    Parameters
    ----------
    smem : int8[smem_words, window], changed in place by ``run``.
    """

    def __init__(self, config: CoreConfig, job: Job, smem: np.ndarray):
        self.config, self.job, self.smem = config, job, smem
        r = job.registers
        groups = (r["pixel_tiles"] - 1) * r["depth_full"] + r["depth_last"]
        self.pixels = np.arange(groups * config.cols)
        self.y, self.x = np.divmod(self.pixels, r["pitch"])
        self.taps = [decode_tap(config, word) for word in job.taps]
        self.next_index = self.next_weight = 0

    def run(self) -> None:
        """Compute all row tiles; afterwards every word of the lists has been consumed."""
        for tile in range(self.job.registers["row_tiles"]):
            channels = [self._channel(tile * self.config.rows + row) for row in range(self.config.rows)]
            self._write(tile, self._outputs(tile, self._accumulators(channels), channels))
        assert self.next_index == len(self.job.index)
        assert self.next_weight == len(self.job.weights)

    def _channel(self, k: int) -> ChannelWord:
        word, place = divmod(k, self.config.load_rows)
        return decode_channel(self.job.channels[word] >> 74 * place)

    def _accumulators(self, channels: list[ChannelWord]) -> np.ndarray:
        """int64[rows, pixels]."""
        acc = np.array([[c.bias] for c in channels]).repeat(len(self.pixels), axis=1)
        last = False
        while not last:
            word = self.job.index[self.next_index]
            index, last = bits(word, 0, 15), bool(word >> 15)
            beats = self.job.registers["load_beats"]
            words = self.job.weights[self.next_weight : self.next_weight + beats]
            self.next_index, self.next_weight = self.next_index + 1, self.next_weight + beats
            weights = decode_weights(self.config, words).reshape(self.config.rows, -1)
            acc += weights @ self._activations(index).T.astype(np.int64)
        return acc

    def _activations(self, index: int) -> np.ndarray:
        """int8[pixels, window] that a kept window reads; the zero point outside the tap's range."""
        r = self.job.registers
        tap_number, block = divmod(index, r["channel_blocks"])
        tap = self.taps[tap_number]
        address = r["act_base"] + self.pixels + tap.offset + block * r["act_plane"]
        inside = (tap.y_low <= self.y) & (self.y < tap.y_high) & (tap.x_low <= self.x) & (self.x < tap.x_high)
        words = self.smem[address % self.config.smem_words]
        return np.where(inside[:, None], words, np.int8(r["x_zero_point"]))

    def _part(self, tile: int) -> tuple[int, slice]:
        """Plane of the output and residual tensors, and the channels in it, of a row tile."""
        plane, part = divmod(self.job.registers["out_part"] + tile, self.config.window // self.config.rows)
        return plane, slice(part * self.config.rows, (part + 1) * self.config.rows)

    def _outputs(self, tile: int, acc: np.ndarray, channels: list[ChannelWord]) -> np.ndarray:
        """int8[rows, pixels]."""
        r = self.job.registers
        plane, part = self._part(tile)
        total = acc * np.array([[c.multiplier] for c in channels])
        if r["residual"]:
            address = (r["res_base"] + plane * r["res_plane"] + self.pixels) % self.config.smem_words
            values = self.smem[address, part].T.astype(np.int64) - r["res_zero_point"]
            total += values * np.array([[c.res_multiplier << c.res_shift] for c in channels])
        halved = (total >> np.array([[c.shift] for c in channels])) + 1 >> 1
        return np.clip(halved + r["y_zero_point"], r["q_min"], r["q_max"]).astype(np.int8)

    def _write(self, tile: int, outputs: np.ndarray) -> None:
        r = self.job.registers
        plane, part = self._part(tile)
        exists = (self.x < r["out_width"]) & (self.y < r["out_height"])
        address = r["out_base"] + plane * r["out_plane"] + self.y * r["out_pitch"] + self.x
        self.smem[address[exists] % self.config.smem_words, part] = outputs.T[exists]

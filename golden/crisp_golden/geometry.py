"""Where the pixels of a convolution lie in the activation memory, and how outputs walk over them.

Activations are stored as *phases*: for stride s, phase (py, px) holds the input pixels (s*y + py, s*x + px),
row-major, without padding. A tap then reads, for output pixel (oy, ox), pixel (oy + dy, ox + dx) of one
phase, so consecutive output pixels read consecutive words and a tap is nothing but an address offset. Where
input and output widths differ, both use the larger one as row pitch.

Layers that exceed the memory are cut into bands of output rows.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from crisp_golden.config import CoreConfig
from crisp_golden.network import QuantizedConv


@dataclass(frozen=True)
class Tap:
    """One kernel position: phase and offset of its pixels, and the outputs for which they exist."""

    phase: int
    dy: int
    dx: int
    y_range: tuple[int, int]
    x_range: tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class ConvGeometry:
    """Pixel geometry of the output rows ``first_row <= oy < last_row`` of one layer.

    ``height`` and ``width`` are those of the whole input.
    """

    layer: QuantizedConv
    height: int
    width: int
    first_row: int
    last_row: int

    @property
    def rows(self) -> int:
        """Output rows in this band."""
        return self.last_row - self.first_row

    @cached_property
    def out_width(self) -> int:
        """Output pixels per row."""
        return self.layer.out_size(self.height, self.width)[1]

    def _axis(self, position: int, padding: int) -> tuple[int, int]:
        """(offset in the phase, phase) of a kernel position along one axis."""
        return divmod(position - padding, self.layer.stride)

    @cached_property
    def phases(self) -> tuple[tuple[int, int], ...]:
        """The phases (py, px) that any tap reads, in storage order."""
        (kh, kw), (ph, pw) = self.layer.kernel, self.layer.padding
        return tuple(
            sorted({(self._axis(y, ph)[1], self._axis(x, pw)[1]) for y in range(kh) for x in range(kw)})
        )

    @cached_property
    def stored_rows(self) -> tuple[int, int]:
        """First and one-past-last row that every phase stores for this band."""
        (kh, _), (ph, _) = self.layer.kernel, self.layer.padding
        low = self.first_row + self._axis(0, ph)[0]
        high = self.last_row + self._axis(kh - 1, ph)[0]
        total = self._phase_length(self.height, 0)
        low = min(max(low, 0), total)
        return low, max(low, min(high, total))

    def _phase_length(self, size: int, phase: int) -> int:
        return max(0, -(-(size - phase) // self.layer.stride))

    @cached_property
    def pitch(self) -> int:
        """Words from one row of a phase, and of the grid of output pixels, to the next."""
        return max(self._phase_length(self.width, 0), self.out_width)

    @property
    def phase_words(self) -> int:
        """Words of one phase."""
        low, high = self.stored_rows
        return max(1, (high - low) * self.pitch)

    @property
    def plane(self) -> int:
        """Words of one window of input channels."""
        return self.phase_words * len(self.phases)

    @property
    def grid_pixels(self) -> int:
        """Pixels that the array walks over: output pixels, and the gaps where the pitch is wider."""
        return (self.rows - 1) * self.pitch + self.out_width

    def taps(self) -> list[Tap]:
        """The kernel's taps in row-major order, ranges relative to this band."""
        (kh, kw), (ph, pw) = self.layer.kernel, self.layer.padding
        return [self._tap(*self._axis(y, ph), *self._axis(x, pw)) for y in range(kh) for x in range(kw)]

    def _tap(self, dy: int, py: int, dx: int, px: int) -> Tap:
        row = self.first_row + dy
        y_range = _clip(-row, self._phase_length(self.height, py) - row, self.rows)
        x_range = _clip(-dx, self._phase_length(self.width, px) - dx, self.out_width)
        return Tap(self.phases.index((py, px)), dy, dx, y_range, x_range)

    def tap_offset(self, tap: Tap) -> int:
        """Words from output pixel to input pixel; may be negative."""
        row = self.first_row + tap.dy - self.stored_rows[0]
        return tap.phase * self.phase_words + row * self.pitch + tap.dx

    def store(self, x: np.ndarray, config: CoreConfig) -> np.ndarray:
        """Return the SMEM image int8[words, window] of the input ``x`` int8[C, H, W] for this band."""
        low, high = self.stored_rows
        channels = -(-x.shape[0] // config.window) * config.window
        image = np.zeros((channels, len(self.phases), self.phase_words), np.int8)
        s = self.layer.stride
        for number, (py, px) in enumerate(self.phases):
            phase = x[:, py::s, px::s][:, low:high]
            rows = np.zeros((x.shape[0], high - low, self.pitch), np.int8)
            rows[:, : phase.shape[1], : phase.shape[2]] = phase
            flat = rows.reshape(x.shape[0], -1)
            image[: x.shape[0], number, : flat.shape[1]] = flat
        return _to_words(image.reshape(channels, -1), config.window)

    def store_residual(self, residual: np.ndarray, config: CoreConfig) -> np.ndarray:
        """Return the SMEM image int8[words, window] of the residual int8[K, Hout, Wout] for this band."""
        band = residual[:, self.first_row : self.last_row]
        rows = np.zeros((*band.shape[:2], self.pitch), np.int8)
        rows[:, :, : self.out_width] = band
        return _to_words(_pad_channels(rows.reshape(band.shape[0], -1), config.window), config.window)

    def fetch_output(self, words: np.ndarray, channels: int) -> np.ndarray:
        """Return the band's output int8[channels, rows, Wout] from its SMEM words int8[words, window]."""
        window = words.shape[1]
        planes = words.reshape(-1, self.rows * self.out_width, window)
        y = planes.transpose(0, 2, 1).reshape(-1, self.rows, self.out_width)
        return y[:channels]


def _clip(low: int, high: int, size: int) -> tuple[int, int]:
    """The half-open range cut to 0..size; an empty one is (0, 0)."""
    low, high = max(0, low), min(size, high)
    return (low, high) if low < high else (0, 0)


def _pad_channels(x: np.ndarray, window: int) -> np.ndarray:
    return np.pad(x, ((0, -x.shape[0] % window), (0, 0)))


def _to_words(x: np.ndarray, window: int) -> np.ndarray:
    """int8[C, words per plane] to int8[C / window * words per plane, window]."""
    return np.ascontiguousarray(x.reshape(-1, window, x.shape[1]).transpose(0, 2, 1)).reshape(-1, window)

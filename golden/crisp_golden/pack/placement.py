"""Where a tensor lies in the activation memory: planes of rings, see ``crisp_spec.commands``.

Position (y, x) of a ring holds the pixel of image row y and column x; of a phased tensor, ring (py, px) holds
the pixels (2 * y + py, 2 * x + px) there. Rows are numbered from the top of the image, so a ring shorter than
the image holds the rows of a moving band.
"""

from dataclasses import dataclass, replace

import numpy as np

from crisp_spec.config import CoreConfig

PHASES = ((0, 0), (0, 1), (1, 0), (1, 1))


@dataclass(frozen=True, kw_only=True)
class TensorPlace:
    """Place of a tensor in the activation memory.

    Parameters
    ----------
    base : SMEM row (of ``cols`` words) where it begins.
    planes : groups of ``word_channels`` channels.
    ring : SMEM rows of one ring.
    pitch : words from one row of a ring to the next.
    phased : whether each plane has four rings.
    stride : SMEM rows from one plane to the next; None if planes follow each other.
    """

    base: int
    planes: int
    ring: int
    pitch: int
    phased: bool = False
    stride: int | None = None

    @property
    def plane(self) -> int:
        """SMEM rows from one plane to the next."""
        return self.stride or self.ring * (4 if self.phased else 1)

    def phase(self, number: int) -> "TensorPlace":
        """One phase of a phased tensor as a plain tensor."""
        return replace(self, base=self.base + number * self.ring, phased=False, stride=self.plane)

    @property
    def end(self) -> int:
        """First SMEM row behind the tensor."""
        return self.base + self.planes * self.plane

    def cells(self, low: int, high: int, config: CoreConfig) -> np.ndarray:
        """SMEM words that hold the image rows ``low`` to ``high - 1``, gaps between rows included."""
        if self.phased:
            low, high = low // 2, -(-high // 2)
        length = self.ring * config.cols
        count = min((high - low) * self.pitch, length)
        words = (self.position(low, config) + np.arange(count)) % length
        rings = np.arange(4 if self.phased else 1) * length
        planes = (self.base + np.arange(self.planes) * self.plane) * config.cols
        return ((planes[:, None, None] + rings[:, None] + words) % config.smem_words).ravel()

    def position(self, row: int, config: CoreConfig) -> int:
        """Position of the first pixel of a ring's row."""
        return row * self.pitch % (self.ring * config.cols)

    def _addresses(self, config: CoreConfig, phase: int, low: int, high: int, width: int) -> np.ndarray:
        """int[planes, rows, width]: SMEM words of the ring rows ``low`` to ``high - 1`` of one phase."""
        ring = self.ring * config.cols
        position = (np.arange(low, high)[:, None] * self.pitch + np.arange(width)) % ring
        first = (self.base + phase * self.ring) * config.cols
        return first + np.arange(self.planes)[:, None, None] * self.plane * config.cols + position

    def _parts(self, config: CoreConfig, rows: slice, width: int):
        """For each ring: its SMEM words, and the slices of image rows and columns that they hold."""
        if not self.phased:
            yield self._addresses(config, 0, rows.start, rows.stop, width), rows, slice(0, width)
            return
        for phase, (py, px) in enumerate(PHASES):
            low, high = -(-(rows.start - py) // 2), -(-(rows.stop - py) // 2)
            columns = -(-(width - px) // 2)
            yield (
                self._addresses(config, phase, low, high, columns),
                slice(2 * low + py, rows.stop, 2),
                slice(px, width, 2),
            )

    def write(self, smem: np.ndarray, x: np.ndarray, first: int, last: int, config: CoreConfig) -> None:
        """Put rows ``first`` to ``last - 1`` of ``x`` int8[C, H, W] into ``smem`` int8[words, channels]."""
        padded = np.pad(x, ((0, self.planes * config.word_channels - len(x)), (0, 0), (0, 0)))
        words = padded.reshape(self.planes, config.word_channels, *x.shape[1:]).transpose(0, 2, 3, 1)
        for addresses, rows, columns in self._parts(config, slice(first, last), x.shape[2]):
            smem[addresses % len(smem)] = words[:, rows, columns]

    def read(
        self, smem: np.ndarray, channels: int, first: int, last: int, width: int, config: CoreConfig
    ) -> np.ndarray:
        """Inverse of ``write``: int8[channels, last - first, width]."""
        result = np.zeros((self.planes, last, width, config.word_channels), np.int8)
        for addresses, rows, columns in self._parts(config, slice(first, last), width):
            result[:, rows, columns] = smem[addresses % len(smem)]
        image = result[:, first:].transpose(0, 3, 1, 2)
        return image.reshape(self.planes * config.word_channels, last - first, width)[:channels]

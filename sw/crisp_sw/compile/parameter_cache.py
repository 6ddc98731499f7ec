"""Parameter memories as circular buffers: what is still there is not loaded again."""

from dataclasses import dataclass

import numpy as np

from crisp_spec.commands import ALIGNMENT, Memory
from crisp_spec.config import CoreConfig
from crisp_spec.errors import CapacityError
from crisp_spec.memories import memory_words, word_bits

COMPANIONS = {Memory.WEIGHT: Memory.GROUP_INDEX, Memory.CHANNEL: Memory.RESIDUAL_CHANNEL}
"""Memories that share the word addresses of another."""


@dataclass(frozen=True)
class Chunk:
    """A part of a memory: ``words`` words from ``first`` on, counted without wrapping."""

    first: int
    words: int


class ParameterCache:
    """Decides where in a memory and its companion the parameters of a job lie.

    Parameters
    ----------
    memory : WEIGHT, BLOCK_INDEX, CHANNEL or TAP.
    """

    def __init__(self, config: CoreConfig, memory: Memory):
        self.memory = memory
        self.size = memory_words(config, memory)
        bits = [word_bits(config, memory)]
        if memory in COMPANIONS:
            bits.append(word_bits(config, COMPANIONS[memory]))
        # Images are whole multiples of the alignment, in the companion as well.
        self.step = max(1, *(8 * ALIGNMENT // width for width in bits if width))
        self._chunks: dict[object, Chunk] = {}
        self._next = 0

    def place(self, key: object, words: int) -> tuple[int, bool]:
        """Return the first word of the chunk called ``key``, and whether it must be loaded.

        Raises
        ------
        CapacityError : the chunk exceeds the memory.
        """
        if key in self._chunks:
            return self._chunks[key].first % self.size, False
        length = -(-words // self.step) * self.step
        if length > self.size:
            raise CapacityError(f"{words} words exceed the {self.memory.name} memory's {self.size}")
        chunk = Chunk(self._next, length)
        self._next += length
        oldest = self._next - self.size
        self._chunks = {name: c for name, c in self._chunks.items() if c.first >= oldest}
        self._chunks[key] = chunk
        return chunk.first % self.size, True

    def cells(self, first: int, words: int) -> np.ndarray:
        """Indices of the words of a chunk, rounded up to whole steps."""
        return (first + np.arange(-(-words // self.step) * self.step)) % self.size

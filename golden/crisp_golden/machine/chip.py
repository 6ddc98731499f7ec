"""State of the chip between commands: the contents of its memories."""

import numpy as np

from crisp_golden.format.memory_words import entry_type, unpack_entries
from crisp_spec.commands import Memory
from crisp_spec.config import CoreConfig
from crisp_spec.memories import memory_beats


class Chip:
    """Memories of one accelerator.

    Attributes
    ----------
    memories : uint8[bytes] of each; ``smem`` is the view int8[words, word_channels] of one of them.
    """

    def __init__(self, config: CoreConfig, rng: np.random.Generator | None = None):
        """All memories are zero, or random if ``rng`` is given, as after power-up."""
        self.config = config
        self.memories: dict[Memory, np.ndarray] = {}
        for memory in Memory:
            size = memory_beats(config, memory) * config.bus_bits // 8
            self.memories[memory] = (
                np.zeros(size, np.uint8) if rng is None else rng.integers(0, 256, size, np.uint8)
            )
        self.smem = self.memories[Memory.SMEM].view(np.int8).reshape(config.smem_words, config.word_channels)

    def fill(self, memory: Memory, beat: int, data: bytes | np.ndarray) -> None:
        """Write whole beats from beat ``beat`` on, wrapping at the end of the memory."""
        content = self.memories[memory]
        if not len(content):
            return
        first = beat * self.config.bus_bits // 8
        content[(first + np.arange(len(data))) % len(content)] = np.frombuffer(data, np.uint8)

    def words(self, memory: Memory, first: int, count: int, kind: str | np.dtype) -> np.ndarray:
        """``count`` words of type ``kind`` from word ``first`` on, wrapping at the end of the memory."""
        view = self.memories[memory].view(kind)
        return view[(first + np.arange(count)) % len(view)]

    def entries(self, memory: Memory, first: int, count: int) -> dict[str, np.ndarray]:
        """Fields by name, each int64[count], of a table's entries from ``first`` on, wrapping likewise."""
        return unpack_entries(memory, self.words(memory, first, count, entry_type(memory)))

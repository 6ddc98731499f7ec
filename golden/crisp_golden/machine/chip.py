"""State of the chip between commands: the contents of its memories."""

import numpy as np

from crisp_spec.commands import Target
from crisp_spec.config import CoreConfig
from crisp_spec.memories import memory_beats


class Chip:
    """Memories of one accelerator.

    Attributes
    ----------
    memories : uint8[bytes] by target; ``smem`` is the view int8[words, window] of one of them.
    """

    def __init__(self, config: CoreConfig, rng: np.random.Generator | None = None):
        """All memories are zero, or random if ``rng`` is given, as after power-up."""
        self.config = config
        self.memories: dict[Target, np.ndarray] = {}
        for target in Target:
            size = memory_beats(config, target) * config.bus_bits // 8
            self.memories[target] = (
                np.zeros(size, np.uint8) if rng is None else rng.integers(0, 256, size, np.uint8)
            )
        self.smem = self.memories[Target.SMEM].view(np.int8).reshape(config.smem_words, config.window)

    def fill(self, target: Target, beat: int, data: bytes | np.ndarray) -> None:
        """Write whole beats from beat ``beat`` on, wrapping at the end of the memory."""
        memory = self.memories[target]
        if not len(memory):
            return
        first = beat * self.config.bus_bits // 8
        memory[(first + np.arange(len(data))) % len(memory)] = np.frombuffer(data, np.uint8)

    def words(self, target: Target, first: int, count: int, kind: str) -> np.ndarray:
        """``count`` words of type ``kind`` from word ``first`` on, wrapping at the end of the memory."""
        view = self.memories[target].view(kind)
        return view[(first + np.arange(count)) % len(view)]

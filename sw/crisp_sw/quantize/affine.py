"""The int8 code of a tensor; importing it imports nothing else."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

LEVELS = 255


@dataclass(frozen=True)
class Affine:
    """int8 code of a tensor: ``real = scale * (q - zero_point)``; the real 0 has a code of its own."""

    scale: float
    zero_point: int

    @classmethod
    def from_range(cls, low: float, high: float) -> "Affine":
        """The code whose 256 levels span [low, high], widened to contain 0."""
        low, high = min(low, 0.0), max(high, 0.0)
        if high == low:
            return cls(1.0 / LEVELS, 0)
        scale = (high - low) / LEVELS
        return cls(scale, round(-128 - low / scale))

    def quantize(self, real: "Tensor") -> "Tensor":
        """Nearest level of every value, still as float: float[...] -> float[...] in real units."""
        levels = (real / self.scale + self.zero_point).round().clamp(-128, 127)
        return (levels - self.zero_point) * self.scale

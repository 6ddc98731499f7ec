"""The layers that are measured: 3x3 convolutions with a hybrid pattern, and random weights and inputs."""

from dataclasses import dataclass

import numpy as np

from crisp_golden.arithmetic.network import Pattern, QuantizedConv
from crisp_golden.stimuli.layer_cases import LayerCase

BLOCK = 16
KERNEL = 3
M = 4


@dataclass(frozen=True, kw_only=True)
class MeasuredLayer:
    """A 3x3 convolution from ``channels`` to ``channels`` on ``size`` x ``size`` pixels.

    Attributes
    ----------
    n : non-zeros of four weights.
    kept : share of the 16 x 16 blocks that are kept, in every block-row alike.
    """

    name: str
    channels: int
    size: int
    n: int
    kept: float = 1.0

    def case(self, seed: int) -> LayerCase:
        """Return the layer with its input; ``seed`` determines all values."""
        rng = np.random.default_rng(seed)
        k, taps = self.channels, KERNEL * KERNEL
        columns = taps * k // BLOCK
        mask = rng.random((k // BLOCK, columns)).argsort().argsort() < round(self.kept * columns)
        places = rng.random((k, taps * k // M, M)).argsort().argsort() < self.n
        weight = rng.integers(1, 128, (k, taps * k)) * rng.choice([-1, 1], (k, taps * k))
        weight *= places.reshape(k, -1) & mask.repeat(BLOCK, axis=0).repeat(BLOCK, axis=1)
        layer = QuantizedConv(
            name=self.name,
            weight=weight.reshape(k, KERNEL, KERNEL, k).transpose(0, 3, 1, 2).astype(np.int8),
            bias=rng.integers(-1000, 1000, k).astype(np.int32),
            multiplier=rng.integers(1 << 15, 1 << 16, k).astype(np.uint16),
            shift=np.full(k, 28, np.uint8),
            padding=(1, 1),
            pattern=Pattern(n=self.n, m=M, block=BLOCK, block_mask=mask),
        )
        x = rng.integers(-128, 128, (k, self.size, self.size)).astype(np.int8)
        return LayerCase(layer=layer, x=x)

"""Random parameters of output stages, and the words in which the hardware receives them."""

import numpy as np

from crisp_golden.arithmetic.network import QuantizedConv, ResidualInput
from crisp_hw.core.array.output_lane import LEVELS_LAYOUT
from crisp_hw.core.payloads import CHANNEL_FIELDS
from crisp_sim.core.bits import pack
from crisp_spec.fields import pack_fields


def random_output_stage(
    rng: np.random.Generator, k: int, *, residual: bool, shifts: tuple[int, int] = (1, 48)
) -> QuantizedConv:
    """A layer of ``k`` output channels, of which only the output stage matters.

    Parameters
    ----------
    shifts : smallest and largest right shift; all other parameters cover their legal range.
    """
    low, high = sorted(rng.integers(-128, 128, 2).tolist()) if rng.random() < 0.5 else (-128, 127)
    source = ResidualInput(
        zero_point=int(rng.integers(-128, 128)),
        multiplier=sprinkle(rng, rng.integers(0, 1 << 16, k), (0, 65535)).astype(np.uint16),
        shift=rng.integers(0, 16, k).astype(np.uint8),
    )
    return QuantizedConv(
        name="output_stage",
        weight=np.zeros((k, 1, 1, 1), np.int8),
        bias=rng.integers(-(1 << 16), 1 << 16, k).astype(np.int32),
        multiplier=sprinkle(rng, rng.integers(0, 1 << 16, k), (0, 1, 65535)).astype(np.uint16),
        shift=sprinkle(rng, rng.integers(shifts[0], shifts[1] + 1, k), shifts).astype(np.uint8),
        y_zero_point=int(rng.integers(-128, 128)),
        q_min=low,
        q_max=high,
        residual=source if residual else None,
    )


def sprinkle(rng: np.random.Generator, values: np.ndarray, extremes: tuple[int, ...]) -> np.ndarray:
    """Replace a tenth of the values by one of ``extremes``."""
    return np.where(rng.random(values.shape) < 0.1, rng.choice(extremes, values.shape), values)


def levels_word(layer: QuantizedConv) -> int:
    """Zero points and clamp, as the port ``levels`` takes them."""
    res_zero_point = layer.residual.zero_point if layer.residual else 0
    levels = {"y_zero_point": layer.y_zero_point, "q_min": layer.q_min, "q_max": layer.q_max}
    return pack(LEVELS_LAYOUT, levels | {"res_zero_point": res_zero_point})


def channel_words(layer: QuantizedConv) -> list[int]:
    """Parameters of each output channel in one word."""
    source = layer.residual
    return [
        pack_fields(
            CHANNEL_FIELDS,
            {
                "bias": int(layer.bias[k]),
                "multiplier": int(layer.multiplier[k]),
                "shift": int(layer.shift[k]) - 1,
                "res_multiplier": int(source.multiplier[k]) if source else 0,
                "res_shift": int(source.shift[k]) if source else 0,
            },
        )
        for k in range(layer.out_channels)
    ]

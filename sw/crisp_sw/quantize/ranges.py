"""Ranges of activations: what calibration observes of a tensor, and how an int8 range is chosen from it."""

from dataclasses import dataclass, field

import torch
from torch import Tensor

from crisp_sw.quantize.affine import Affine
from crisp_sw.quantize.settings import CalibrationError, RangeMethod, require_method

SAMPLE_SIZE = 1 << 16
MSE_STEPS = 64


@dataclass
class Observer:
    """Minimum, maximum and an evenly spaced sample of the values of one tensor over all batches."""

    low: float = 0.0
    high: float = 0.0
    samples: list[Tensor] = field(default_factory=list)

    def update(self, values: Tensor, sample_size: int = SAMPLE_SIZE) -> None:
        """Add one batch, any shape.

        Raises
        ------
        CalibrationError : there is no value, or one is not finite.
        """
        if not values.numel():
            raise CalibrationError(f"there must be values to observe, not {list(values.shape)}")
        low, high = (float(v) for v in values.aminmax())
        if not (abs(low) < float("inf") and abs(high) < float("inf")):
            raise CalibrationError(f"values must be finite, not from {low} to {high}")
        self.low, self.high = min(self.low, low), max(self.high, high)
        flat = values.flatten()
        # An odd step visits all columns of a power-of-two image in turn.
        step = max(1, flat.numel() // sample_size) | 1
        self.samples.append(flat[::step].clone())

    def choose(self, method: RangeMethod, percentile: float = 99.99) -> Affine:
        """The int8 code for what was observed.

        ``minmax`` spans everything seen, ``percentile`` leaves out the tails beyond the given percentile
        on each side, ``mse`` shrinks the min-max range to the fraction with the least mean squared error.
        Where so many values are 0 that the tails hold all others, the percentile is one of the others.
        """
        require_method(method)
        if method == "minmax" or self.low == self.high:
            return Affine.from_range(self.low, self.high)
        values = torch.cat(self.samples)
        if method == "percentile":
            low, high = _without_tails(values, percentile)
            if low == high == 0:
                others = values[values != 0]
                low, high = _without_tails(others, percentile) if len(others) else (self.low, self.high)
            return Affine.from_range(low, high)
        fractions = torch.linspace(1.0, 0.2, MSE_STEPS, device="cpu").tolist()
        codes = [Affine.from_range(self.low * f, self.high * f) for f in fractions]
        return min(codes, key=lambda code: float((code.quantize(values) - values).square().mean()))


def _without_tails(values: Tensor, percentile: float) -> tuple[float, float]:
    ordered = values.sort().values
    tail = round((1 - percentile / 100) * (len(ordered) - 1))
    return float(ordered[tail]), float(ordered[-1 - tail])

"""How activations get their int8 ranges: the choices of a calibration, checked."""

from dataclasses import dataclass
from typing import Literal, get_args

from crisp_spec.errors import CrispError

RangeMethod = Literal["minmax", "percentile", "mse"]


class CalibrationError(CrispError):
    """Calibration images or settings from which no range can be chosen."""


def require_method(method: str) -> None:
    """Raise CalibrationError, listing the methods there are, unless ``method`` is one."""
    if method not in get_args(RangeMethod):
        raise CalibrationError(
            f"no range method {method!r}; expected one of {', '.join(get_args(RangeMethod))}"
        )


@dataclass(frozen=True, kw_only=True)
class QuantizeSettings:
    """How activations get their int8 ranges.

    Attributes
    ----------
    method : "minmax", "percentile" or "mse"; the image itself always takes its full range.
    percentile : share of the values, in percent, that the "percentile" range holds on each side.
    batch : calibration images run at a time.
    """

    method: RangeMethod = "mse"
    percentile: float = 99.99
    batch: int = 128

    def __post_init__(self):
        require_method(self.method)
        if not isinstance(self.percentile, int | float) or not 50 < self.percentile <= 100:
            raise CalibrationError(f"`percentile` must be above 50 and at most 100, not {self.percentile!r}")
        if not isinstance(self.batch, int) or isinstance(self.batch, bool) or self.batch < 1:
            raise CalibrationError(f"`batch` must be an integer of at least 1, not {self.batch!r}")

"""Cycles as time, at a clock that is stated beside it."""

from crisp_spec.errors import CrispError
from crisp_sw.report.document import Tile

CLOCK_MHZ = 100.0
"""Of times in pages, unless a run says another: what an FPGA reaches with room to spare."""


class ClockError(CrispError):
    """A clock is none."""


def require_clock(clock_mhz: float) -> float:
    """Return a clock in MHz.

    Raises
    ------
    ClockError : it is not above 0, or beyond 100 GHz.
    """
    if not 0 < clock_mhz <= 1e5:
        raise ClockError(f"the clock must be above 0 and at most 100000 MHz, not {clock_mhz}")
    return clock_mhz


def milliseconds(cycles: float, clock_mhz: float) -> str:
    """Time of so many cycles: "0.285 ms"."""
    time = cycles / clock_mhz / 1e3
    return f"{time:,.0f} ms" if time >= 100 else f"{time:.3g} ms"


def images_per_second(cycles: float, clock_mhz: float) -> str:
    """Images one after another: "3,510 images/s"."""
    rate = clock_mhz * 1e6 / max(1, cycles)
    return f"{rate:,.0f} images/s" if rate >= 100 else f"{rate:.3g} images/s"


def time_text(cycles: float, clock_mhz: float) -> str:
    """How long an image takes, in a line."""
    return f"{milliseconds(cycles, clock_mhz)} at {clock_mhz:g} MHz, {images_per_second(cycles, clock_mhz)}"


def time_tile(cycles: float, clock_mhz: float, what: str = "") -> Tile:
    """How long an image takes."""
    said = f", {what}" if what else ""
    return Tile(
        title=f"Time per image at {clock_mhz:g} MHz",
        figure=milliseconds(cycles, clock_mhz),
        detail=f"{images_per_second(cycles, clock_mhz)}{said}; in proportion at other clocks",
    )

"""Where programs run: golden's simulator, and whatever has a bus, such as the RTL in simulation."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

import crisp_golden
import crisp_sw
from crisp_spec.config import CoreConfig
from crisp_sw.driver.bus import Bus
from crisp_sw.driver.simulated_bus import SimulatedBus

CHUNK = 1 << 19
"""Clock cycles after which a simulation says how far it is."""


@dataclass(frozen=True)
class Platform:
    """A place where programs run.

    Attributes
    ----------
    name : ``iss`` or ``rtl``.
    identity : changes with anything that its results depend on.
    timed : whether its counters count cycles.
    connect : makes a bus to a fresh accelerator.
    """

    name: str
    identity: str
    timed: bool
    connect: Callable[[], Bus]


class ProgressBus:
    """A ``Bus`` that says while waiting how many cycles have passed.

    Parameters
    ----------
    bus : does the work.
    report : called with the cycles waited so far.
    """

    def __init__(self, bus: Bus, report: Callable[[int], None]):
        self._bus, self._report = bus, report

    def __getattr__(self, name: str) -> Any:
        return getattr(self._bus, name)

    def wait_interrupt(self, cycles: int) -> bool:
        """Sleep until the interrupt is high, in steps."""
        passed = 0
        while passed < cycles:
            step = min(CHUNK, cycles - passed)
            if self._bus.wait_interrupt(step):
                return True
            passed += step
            self._report(passed)
        return False


def iss_platform(config: CoreConfig) -> Platform:
    """Golden's simulator: exact in its bits, but without cycles."""
    return Platform("iss", source_hash(), False, lambda: SimulatedBus(config))


@cache
def source_hash() -> str:
    """Changes with the source of golden and of the compiler."""
    digest = hashlib.sha256(np.__version__.encode())
    for package, folder in ((crisp_golden, ""), (crisp_sw, "compile"), (crisp_sw, "driver")):
        for path in sorted((Path(package.__path__[0]) / folder).rglob("*.py")):
            digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:24]

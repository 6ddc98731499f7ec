"""Where programs run: golden's simulator, and whatever has a bus, such as the RTL in simulation."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from crisp_files.source_files import sources_hash
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


def source_hash() -> str:
    """Changes with the source of golden's simulator, of the compiler and of the driver."""
    sources = sources_hash(
        "crisp_golden.machine.simulator", "crisp_sw.compile.compiler", "crisp_sw.driver.simulated_bus"
    )
    return hashlib.sha256(f"{np.__version__} {sources}".encode()).hexdigest()[:24]

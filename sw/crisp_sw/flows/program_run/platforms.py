"""Where programs run: golden's simulator, or the RTL in simulation."""

import hashlib
import importlib
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

import crisp_golden
import crisp_sw
from crisp_golden.cycles.timeline import MemoryTiming
from crisp_spec.config import CoreConfig
from crisp_spec.errors import CrispError
from crisp_sw.driver.bus import Bus
from crisp_sw.driver.simulated_bus import SimulatedBus

BENCHES = "crisp_sim"
CHUNK = 1 << 19
"""Clock cycles after which a simulation says how far it is."""


class PlatformError(CrispError):
    """A platform is not there."""


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


def rtl_platform(config: CoreConfig, memory: MemoryTiming) -> Platform:
    """The RTL in simulation with an external memory of that timing; builds the model if it is not there.

    Raises
    ------
    PlatformError : the benches are not there; they come with a checkout, not with the package.
    CrispError : the model cannot be built.
    """
    library = _bench_module("accelerator.library")
    simulation, bus = _bench_module("accelerator.simulation"), _bench_module("accelerator.rtl_bus")
    built: Path = library.model_library(config)
    timing = simulation.MemoryTiming(**asdict(memory))

    def connect() -> Bus:
        return bus.RtlBus(config, timing=timing)

    return Platform("rtl", f"{built.parent.name} {memory}", True, connect)


def _bench_module(name: str) -> Any:
    """A module of the benches, from the working directory or from the checkout of this package."""
    for folder in (Path.cwd(), Path(__file__).resolve().parents[4]):
        if (folder / BENCHES).is_dir() and str(folder) not in sys.path:
            sys.path.append(str(folder))
    try:
        return importlib.import_module(f"{BENCHES}.{name}")
    except ModuleNotFoundError as error:
        raise PlatformError(
            f"{error.name} is not installed; the RTL runs from a checkout of crisp-stc"
        ) from error


@cache
def source_hash() -> str:
    """Changes with the source of golden and of the compiler."""
    digest = hashlib.sha256(np.__version__.encode())
    for package, folder in ((crisp_golden, ""), (crisp_sw, "compile"), (crisp_sw, "driver")):
        for path in sorted((Path(package.__path__[0]) / folder).rglob("*.py")):
            digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:24]

"""One accelerator and its external memory, simulated in C++ and driven from here."""

import ctypes
from collections.abc import Iterable
from ctypes import POINTER, Structure, byref, c_char_p, c_int, c_uint32, c_uint64, c_void_p
from dataclasses import astuple, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from crisp_golden.cycles.memory_timing import MemoryTiming
from crisp_sim.errors import BenchError

RESPONSES = {0: "OKAY", 2: "a slave error", 3: "a decode error", 4: "no answer"}
VIOLATION_SIZE = 256


@dataclass(frozen=True)
class Touched:
    """What bursts have touched of a region: bytes ``low`` to ``high - 1`` of it, ``count`` bytes in all."""

    low: int
    high: int
    count: int


class MemoryViolation(BenchError):
    """The accelerator has used its memory in a way that it must not; the simulation has stopped there."""


class RegisterError(BenchError):
    """A register access was answered with an error, or not at all."""


class _Timing(Structure):
    _fields_ = [(name, c_uint32) for name in MemoryTiming.__dataclass_fields__]


class _Touched(Structure):
    _fields_ = [("low", c_uint64), ("high", c_uint64), ("count", c_uint64)]


_FUNCTIONS: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "create": (c_void_p, (c_char_p,)),
    "destroy": (None, (c_void_p,)),
    "reset": (None, (c_void_p,)),
    "run": (c_uint64, (c_void_p, c_uint64)),
    "cycle": (c_uint64, (c_void_p,)),
    "interrupt": (c_int, (c_void_p,)),
    "quiet": (c_int, (c_void_p,)),
    "read": (c_uint32, (c_void_p, c_uint32, POINTER(c_uint32))),
    "write": (c_uint32, (c_void_p, c_uint32, c_uint32)),
    "set_timing": (None, (c_void_p, POINTER(_Timing))),
    "map": (None, (c_void_p, c_uint64, c_uint64, c_void_p)),
    "unmap": (None, (c_void_p, c_uint64)),
    "touched": (c_int, (c_void_p, c_uint64, POINTER(_Touched), POINTER(_Touched))),
    "add_fault": (None, (c_void_p, c_uint64, c_uint64, c_int, c_int)),
    "clear_faults": (None, (c_void_p,)),
    "violation": (None, (c_void_p, c_char_p, c_uint32)),
}


@cache
def _load(library: Path) -> ctypes.CDLL:
    loaded = ctypes.CDLL(str(library))
    for name, (result, arguments) in _FUNCTIONS.items():
        function = getattr(loaded, f"crisp_{name}")
        function.restype, function.argtypes = result, arguments
    return loaded


class Simulation:
    """An accelerator that has just been reset, and an empty memory map.

    Parameters
    ----------
    library : of ``model_library``.
    waves : file for a trace of all signals, for a library that was built for it.
    """

    def __init__(self, library: Path, *, timing: MemoryTiming | None = None, waves: Path | None = None):
        self._library = _load(library)
        self._regions: dict[int, np.ndarray] = {}
        self._self = self._library.crisp_create(str(waves).encode() if waves else None)
        self.set_timing(timing or MemoryTiming())

    def close(self) -> None:
        """End the simulation, and with it its trace. Nothing may be called afterwards."""
        if self._self:
            self._library.crisp_destroy(self._self)
        self._self = None

    def __enter__(self) -> "Simulation":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def cycle(self) -> int:
        """Clock cycles since the simulation began."""
        return self._library.crisp_cycle(self._self)

    @property
    def interrupt(self) -> bool:
        """Whether the interrupt is high."""
        return bool(self._library.crisp_interrupt(self._self))

    @property
    def quiet(self) -> bool:
        """Whether no burst is open."""
        return bool(self._library.crisp_quiet(self._self))

    def set_timing(self, timing: MemoryTiming) -> None:
        """Change how the memory behaves, from the next address on."""
        self._library.crisp_set_timing(self._self, byref(_Timing(*astuple(timing))))

    def map(self, base: int, data: np.ndarray) -> None:
        """Let the accelerator reach contiguous ``data`` uint8[size] at ``base``; nothing is copied."""
        self._regions[base] = data
        self._library.crisp_map(self._self, base, len(data), data.ctypes.data)

    def unmap(self, base: int) -> None:
        """Take a region away."""
        self._library.crisp_unmap(self._self, base)
        del self._regions[base]

    def touched(self, base: int) -> tuple[Touched, Touched]:
        """What has been read, and what has been written, of the region at ``base``."""
        read, written = _Touched(), _Touched()
        if not self._library.crisp_touched(self._self, base, byref(read), byref(written)):
            raise BenchError(f"no region is mapped at {base:#x}")
        both = ((touched.low, touched.high, touched.count) for touched in (read, written))
        of_read, of_written = (Touched(*values) if values[2] else Touched(0, 0, 0) for values in both)
        return of_read, of_written

    def set_faults(
        self, reads: Iterable[range] = (), writes: Iterable[range] = (), *, response: int = 2
    ) -> None:
        """Answer beats of reads and writes at these addresses with errors, instead of those set before.

        Parameters
        ----------
        response : one of ``RESPONSES``, 2 or 3.
        """
        self._library.crisp_clear_faults(self._self)
        for write, ranges in enumerate((reads, writes)):
            for addresses in ranges:
                self._library.crisp_add_fault(self._self, addresses.start, addresses.stop, write, response)

    def reset(self) -> None:
        """Reset the accelerator by its reset input."""
        self._library.crisp_reset(self._self)

    def read32(self, offset: int) -> int:
        """Read a register.

        Raises
        ------
        RegisterError : there is none; MemoryViolation : see ``run``.
        """
        value = c_uint32()
        self._check(self._library.crisp_read(self._self, offset, byref(value)), "reading", offset)
        return value.value

    def write32(self, offset: int, value: int) -> None:
        """Write a register; errors as in ``read32``."""
        self._check(self._library.crisp_write(self._self, offset, value), "writing", offset)

    def run(self, cycles: int) -> int:
        """Run until the interrupt is high, for at most ``cycles`` clock cycles; return how many it took.

        Raises
        ------
        MemoryViolation : the accelerator broke a rule of the bus, or touched what is not mapped.
        """
        taken = self._library.crisp_run(self._self, cycles)
        self._check_violation()
        return taken

    def _check(self, response: int, doing: str, offset: int) -> None:
        self._check_violation()
        if response:
            raise RegisterError(f"{doing} the register at {offset:#x}: {RESPONSES[response]}")

    def _check_violation(self) -> None:
        text = ctypes.create_string_buffer(VIOLATION_SIZE)
        self._library.crisp_violation(self._self, text, VIOLATION_SIZE)
        if text.value:
            raise MemoryViolation(text.value.decode())

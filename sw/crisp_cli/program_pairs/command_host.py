"""Runs command programs that no compiler made, over the bus of the host's driver: on golden as on the RTL."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

import numpy as np

from crisp_sim.accelerator.rtl_bus import RtlBus
from crisp_spec.commands import COMMAND_BYTES, SEGMENTS
from crisp_spec.error_codes import ErrorCode
from crisp_spec.registers import ADDRESS_BITS, SEGMENT_ALIGNMENT
from crisp_sw.driver.registers import REGISTERS, Registers
from crisp_sw.driver.simulated_bus import SimulatedBus

READ, WRITE = 1, 2
FOREVER = 1 << 40


@dataclass(frozen=True)
class Segment:
    """Part of a memory block that commands may name: offset and size in bytes, and permissions."""

    offset: int
    size: int
    permissions: int


NO_SEGMENT = Segment(0, 0, 0)


@dataclass(frozen=True)
class Outcome:
    """How a program ended; without an error the index is 0."""

    code: ErrorCode
    index: int


class CommandHost:
    """An accelerator with one block of memory, of which only the segments are its own.

    What lies between the segments are guards: nothing may change there. On the RTL, reaching out of the block
    ends the simulation. The bits of the segments' bases below a page are written at random; they must not
    count.

    Parameters
    ----------
    size : of the block in bytes.
    segments : up to four; the program is put into segment 0.
    top : whether the block is the end of the address space, and not where the bus likes.
    """

    def __init__(
        self, bus: RtlBus | SimulatedBus, size: int, segments: Sequence[Segment], *, top: bool = False
    ):
        self.bus, self.registers, self.segments = bus, Registers(bus), segments
        self.rng, self.size = Random(size), size
        if top:
            self.address = (1 << ADDRESS_BITS) - size
            bus.place(self.address, size)
        else:
            self.address = bus.allocate(size)

    def close(self) -> None:
        """Give the memory back."""
        self.bus.release(self.address)

    def run(
        self, memory: np.ndarray, program: Sequence[bytes], *, place: int = 0, watchdog: int = 0
    ) -> tuple[Outcome, np.ndarray]:
        """Run a program on a block with the contents ``memory`` uint8[size].

        Parameters
        ----------
        place : of the program in segment 0.
        watchdog : cycles; 0 for none.

        Returns
        -------
        The end, and what is in the block then.
        """
        self.start(memory, program, place=place, watchdog=watchdog)
        outcome = self._wait()
        return outcome, self.bus.read_memory(self.address, self.size)

    def start(
        self, memory: np.ndarray, program: Sequence[bytes], *, place: int = 0, watchdog: int = 0
    ) -> None:
        """Start a program as ``run`` does, without waiting for its end."""
        before = memory.copy()
        code = np.frombuffer(b"".join(program), np.uint8)
        first = self.segments[0].offset + place
        before[first : first + len(code)] = code
        self.bus.write_memory(self.address, before)
        for number in range(SEGMENTS):
            self._set_segment(number, self.segments[number] if number < len(self.segments) else NO_SEGMENT)
        self.registers.write("program_offset", offset=place)
        self.registers.write("program_length", commands=len(code) // COMMAND_BYTES)
        self.registers.write("watchdog", cycles=watchdog)
        self.registers.write("interrupt_status", done=1, error=1)
        self.registers.write("interrupt_enable", done=1, error=1)
        self.registers.write("control", start=1)

    def _set_segment(self, number: int, segment: Segment) -> None:
        address, name = self.address + segment.offset, f"segment_{number}"
        below_page = self.rng.randrange(SEGMENT_ALIGNMENT)
        self.bus.write32(REGISTERS[f"{name}_base_low"].offset, address & 0xFFFFFFFF | below_page)
        self.registers.write(f"{name}_base_high", address=address >> 32)
        self.registers.write(f"{name}_size", bytes=segment.size)
        allowed = segment.permissions
        self.registers.write(
            f"{name}_permissions", read=int(bool(allowed & READ)), write=int(bool(allowed & WRITE))
        )

    def _wait(self) -> Outcome:
        assert self.bus.wait_interrupt(FOREVER), "no interrupt"
        status = self.registers.read("status")
        assert not status["busy"], status
        assert bool(status["error"]) != bool(status["done"]), status
        index = self.registers.value("error_index")
        return Outcome(ErrorCode(status["error"]), index if status["error"] else 0)

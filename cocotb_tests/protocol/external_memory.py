"""External memory as a target of cocotbext-axi: stalls, and places that answer with errors."""

from random import Random

from cocotb.triggers import ClockCycles

from crisp_golden.stimuli.wrong_programs import SLAVE_ERROR

MAX_LATENCY = 200


class BusError(Exception):
    """Becomes an error response."""


class ExternalMemory:
    """Bytes from address ``base`` on.

    Parameters
    ----------
    clock : of the bus.
    violations : takes a text for each access that leaves the memory; cocotbext-axi would swallow exceptions.

    Attributes
    ----------
    read_latency, write_latency : cycles from an address to its data, and from the data to its answer; see
        ``late_slave``.
    stall : chance that a beat waits for 1 to ``MAX_LATENCY`` cycles.
    failing_reads, failing_writes : offsets that are answered with errors; ``error`` : the response then.
    reads, writes : beats so far.
    """

    def __init__(self, clock, size: int, *, base: int, rng: Random, violations: list[str]):
        self.clock, self.base, self.rng, self.violations = clock, base, rng, violations
        self.read_latency = self.write_latency = 1
        self.stall = 0.0
        self.data = bytearray(rng.randbytes(size))
        self.error = SLAVE_ERROR
        self.failing_reads: list[range] = []
        self.failing_writes: list[range] = []
        self.reads = self.writes = 0

    async def read(self, address: int, length: int) -> bytes:
        """Beats of read bursts."""
        await self._wait()
        self.reads += 1
        first = self._offset(address, length, self.failing_reads)
        return bytes(self.data[first : first + length])

    async def write(self, address: int, data: bytes) -> None:
        """Beats of write bursts."""
        await self._wait()
        self.writes += 1
        first = self._offset(address, len(data), self.failing_writes)
        self.data[first : first + len(data)] = data

    def _offset(self, address: int, length: int, failing: list[range]) -> int:
        first = address - self.base
        if not 0 <= first <= len(self.data) - length:
            self.violations.append(f"address {address:#x} is outside the memory")
            raise BusError
        if any(first in places for places in failing):
            raise BusError
        return first

    async def _wait(self) -> None:
        if self.rng.random() < self.stall:
            await ClockCycles(self.clock, self.rng.randint(1, MAX_LATENCY))

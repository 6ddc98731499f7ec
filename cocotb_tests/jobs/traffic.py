"""Reads and writes of the activation memory beside a running job, as load and store engines make them."""

from collections import deque

import numpy as np
from cocotb.triggers import ReadOnly

from crisp_golden.stimuli.random_jobs import RandomJob
from crisp_sim.core.core_driver import CoreDriver
from crisp_spec.commands import Memory
from crisp_spec.latencies import READ_LATENCY


class MemoryTraffic:
    """Reads rows that nobody writes, and writes beats of rows that the job does not use, with random gaps.

    Attributes
    ----------
    reads : requests that were taken while the core was busy; late : those of them that took longer than the
        read port's latency.
    waits : cycles in which a beat was not taken.
    """

    def __init__(self, driver: CoreDriver, job: RandomJob, rng: np.random.Generator):
        self.ports, self.config, self.rng = driver.ports, driver.config, rng
        self.before = job.chip.smem
        everything = np.arange(self.config.bank_depth)
        used = np.concatenate([job.rows(tensor) for tensor in ("act", "out", "res")])
        self.free_rows = np.setdiff1d(everything, used)
        self.read_rows = np.setdiff1d(everything, np.concatenate([job.rows("out"), self.free_rows]))
        self.reads = self.late = self.waits = 0
        self.written: dict[int, bytes] = {}
        self._due: deque[tuple[int, np.ndarray]] = deque()
        self._offered: tuple[int, bytes] | None = None
        self._density = rng.choice([0.1, 0.5, 1.0])

    async def run(self, limit: int) -> int:
        """Start the job and keep the ports busy until it ends; return the cycles that it was busy."""
        ports, cycle = self.ports, 0
        ports.set("job_start", 1)
        await ports.cycle()
        ports.set("job_start", 0)
        while ports.get("busy"):
            assert cycle < limit, "the core does not finish"
            self._compare(cycle)
            self._request(cycle)
            await self._write()
            await ports.cycle()
            cycle += 1
        ports.set("read_valid", 0)
        ports.set("fill_en", 0)
        busy = cycle
        while self._due:
            assert cycle < busy + 2 * READ_LATENCY, "a read has no answer"
            self._compare(cycle)
            await ports.cycle()
            cycle += 1
        assert not ports.get("starved")
        return busy

    def apply(self, smem: np.ndarray) -> None:
        """Put the beats that were taken into int8[words, word_channels]."""
        size = self.config.bus_bits // 8
        memory = smem.reshape(-1).view(np.uint8)
        for beat, data in self.written.items():
            memory[beat * size : (beat + 1) * size] = np.frombuffer(data, np.uint8)

    def _request(self, cycle: int) -> None:
        """Read ``cols`` words, from two rows that need not be neighbours, if the port is ready."""
        ports, cols = self.ports, self.config.cols
        valid = bool(ports.get("read_ready")) and self.rng.random() < self._density
        ports.set("read_valid", int(valid))
        if not valid:
            return
        row, behind = self.rng.choice(self.read_rows, 2).tolist()
        rotation = int(self.rng.integers(cols))
        for name, value in (("row", row), ("next_row", behind), ("rotation", rotation)):
            ports.set(f"read_{name}", value)
        banks = np.arange(cols)
        words = self.before[np.where(banks < rotation, behind, row) * cols + banks]
        self._due.append((cycle, words))
        self.reads += 1

    def _compare(self, cycle: int) -> None:
        if self.ports.get("read_done"):
            asked, expected = self._due.popleft()
            assert cycle - asked >= READ_LATENCY, f"{cycle - asked} cycles for a read"
            self.late += cycle - asked > READ_LATENCY
            seen = self.ports.get("read_data").to_bytes(expected.size, "little")
            assert seen == expected.tobytes(), f"cycle {cycle}: wrong data from the read port"

    async def _write(self) -> None:
        """Offer a beat, the same one until it is taken."""
        ports, size = self.ports, self.config.bus_bits // 8
        beats = self.config.word_bits // self.config.bus_bits * self.config.cols
        if self._offered is None and len(self.free_rows) and self.rng.random() < self._density:
            row = int(self.rng.choice(self.free_rows))
            self._offered = row * beats + int(self.rng.integers(beats)), self.rng.bytes(size)
        ports.set("fill_en", int(self._offered is not None))
        if self._offered is None:
            return
        beat, data = self._offered
        ports.set("fill_memory", Memory.SMEM)
        ports.set("fill_address", beat)
        ports.set("fill_data", int.from_bytes(data, "little"))
        await ReadOnly()
        if ports.get("fill_ready"):
            self.written[beat] = data
            self._offered = None
        else:
            self.waits += 1

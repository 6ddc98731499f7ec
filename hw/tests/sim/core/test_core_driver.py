"""The driver of a core writes whole beats in order, and notices a core that is not as it must be."""

import asyncio

import numpy as np
import pytest

from crisp_golden.cycles.core_cycles import CycleCount
from crisp_sim.core.core_driver import COUNTER_BITS, CoreDriver
from crisp_spec.commands import JOB_FIELDS, Memory
from crisp_spec.config import preset
from crisp_spec.cycle_causes import CORE_CAUSES
from crisp_spec.fields import unpack_fields
from crisp_spec.latencies import READ_LATENCY

CONFIG = preset("tiny")
BEAT = CONFIG.bus_bits // 8


class ScriptedPorts:
    """A core that takes beats, answers reads of SMEM with the rows' numbers, and runs jobs in 7 cycles."""

    def __init__(self) -> None:
        self.values = {"fill_ready": 1, "starved": 0, "counters": 0, "read_data": 0}
        self.beats: list[tuple[int, int, int]] = []
        self.rows = [0] * READ_LATENCY

    def set(self, name: str, value: int) -> None:
        self.values[name] = value

    def get(self, name: str) -> int:
        return self.values[name]

    async def cycle(self) -> None:
        v = self.values
        if v.get("fill_en"):
            self.beats.append((v["fill_memory"], v["fill_address"], v["fill_data"]))
        self.rows = [*self.rows[1:], v.get("read_row", 0)]
        v["read_data"] = int.from_bytes(bytes([self.rows[0]]) * CONFIG.word_channels * CONFIG.cols, "little")

    async def run_job(self, limit: int) -> int:
        assert limit >= 7
        return 7


@pytest.fixture
def ports() -> ScriptedPorts:
    return ScriptedPorts()


@pytest.fixture
def driver(ports) -> CoreDriver:
    return CoreDriver(ports, CONFIG)


def test_a_memory_is_filled_beat_by_beat(driver, ports):
    image = bytes(range(3 * BEAT))
    asyncio.run(driver.fill(Memory.WEIGHT, image, beat=5))
    words = [int.from_bytes(image[place : place + BEAT], "little") for place in range(0, len(image), BEAT)]
    assert ports.beats == [(Memory.WEIGHT, 5 + number, word) for number, word in enumerate(words)]
    assert ports.values["fill_en"] == 0


def test_half_a_beat_is_no_image(driver):
    with pytest.raises(AssertionError, match=f"{BEAT + 1} bytes are no whole beats of {BEAT}"):
        asyncio.run(driver.fill(Memory.SMEM, bytes(BEAT + 1)))


def test_a_core_that_is_not_ready_is_noticed(driver, ports):
    ports.values["fill_ready"] = 0
    with pytest.raises(AssertionError, match="the core is idle, but not ready"):
        asyncio.run(driver.fill(Memory.SMEM, bytes(BEAT)))


def test_rows_are_read_in_order(driver):
    found = asyncio.run(driver.read_smem(3, first=4))
    expected = np.repeat(np.arange(4, 7, dtype=np.int8), CONFIG.cols)[:, None]
    assert found.shape == (3 * CONFIG.cols, CONFIG.word_channels)
    np.testing.assert_array_equal(found, np.broadcast_to(expected, found.shape))


def test_a_run_gives_the_counters_of_every_cause(driver, ports):
    ports.values["counters"] = sum(n << COUNTER_BITS * n for n in range(len(CORE_CAUSES)))
    counted, cycles = asyncio.run(driver.run(limit=10))
    assert counted == CycleCount(**{name: n for n, name in enumerate(CORE_CAUSES)})
    assert cycles == 7


def test_a_window_that_comes_too_late_is_noticed(driver, ports):
    ports.values["starved"] = 1
    with pytest.raises(AssertionError, match="a window was needed that was not decoded yet"):
        asyncio.run(driver.run(limit=10))


def test_a_job_is_set_by_its_fields(driver, ports):
    fields = {field.name: number % 2 for number, field in enumerate(JOB_FIELDS)}
    driver.set_job(fields)
    assert unpack_fields(JOB_FIELDS, ports.values["job_fields"]) == fields

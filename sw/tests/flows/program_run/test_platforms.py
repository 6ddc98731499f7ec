"""Platforms, and the bus that says how far a simulation is."""

from crisp_files.source_files import source_files
from crisp_sw.driver.simulated_bus import SimulatedBus
from crisp_sw.flows.program_run import platforms
from crisp_sw.flows.program_run.platforms import CHUNK, ProgressBus
from sw.tests.small_programs import CONFIG


class SlowBus(SimulatedBus):
    """Raises its interrupt after some cycles."""

    def __init__(self, cycles: int):
        super().__init__(CONFIG)
        self.left = cycles

    def wait_interrupt(self, cycles: int) -> bool:
        self.left -= cycles
        return self.left <= 0


def test_progress_is_reported_in_steps():
    seen: list[int] = []
    assert ProgressBus(SlowBus(2 * CHUNK + 5), seen.append).wait_interrupt(10 * CHUNK)
    assert seen == [CHUNK, 2 * CHUNK]


def test_patience_ends():
    seen: list[int] = []
    assert not ProgressBus(SlowBus(10 * CHUNK), seen.append).wait_interrupt(CHUNK + 1)
    assert seen == [CHUNK, CHUNK + 1]


def test_everything_else_is_the_bus():
    bus = SlowBus(0)
    address = ProgressBus(bus, lambda cycles: None).allocate(64)
    assert address in bus.memory


def test_results_depend_on_the_contract_too(monkeypatch):
    asked = []
    monkeypatch.setattr(platforms, "sources_hash", lambda *modules: asked.extend(modules) or "")
    platforms.source_hash()
    needed = {"crisp_spec.commands", "crisp_golden.machine.core_model", "crisp_sw.compile.bands"}
    assert needed <= source_files(*asked).keys()

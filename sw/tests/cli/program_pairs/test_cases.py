"""Numbered random programs on the RTL: what ``make programs`` consists of, and what it would find."""

from collections import Counter
from random import Random

import numpy as np
import pytest

from crisp_cli.program_pairs.cases import ProgramCases
from crisp_golden.cycles.memory_timing import MemoryTiming
from crisp_golden.machine.simulator import ProgramSimulator
from crisp_golden.stimuli.small_cores import BUS_WIDTHS
from crisp_sim.errors import BenchError
from crisp_spec.error_codes import ErrorCode

GARBAGE = 200
"""Programs on every configuration: 600 in all."""

RESETS = 60


@pytest.fixture(scope="module", params=BUS_WIDTHS)
def cases(request) -> ProgramCases:
    return ProgramCases(BUS_WIDTHS[request.param], seed=2)


def test_garbage_ends_where_golden_says_and_writes_only_where_it_may(cases):
    seen = Counter(cases.run("garbage", number).end for number in range(GARBAGE))
    expected = {code.name.lower() for code in ErrorCode if not code.name.startswith("BUS")}
    assert set(seen) == expected, seen
    assert seen["watchdog"] < GARBAGE / 10, seen


@pytest.mark.parametrize("kind", ["network", "commands"])
def test_legal_programs_leave_the_memory_that_golden_leaves(cases, kind):
    results = [cases.run(kind, number) for number in range(25)]
    assert {result.end for result in results} == {"equal"}
    assert len({result.cycles for result in results}) > 20


def test_programs_at_the_end_of_the_address_space_never_reach_beyond_it(cases):
    seen = Counter(cases.run("top", number).end for number in range(40))
    assert seen == {"none": 20, "address": 20}


def test_programs_whose_segment_is_cut_stop_and_leave_the_memory_that_golden_leaves(cases):
    seen = Counter(cases.run("cut", number).end for number in range(40))
    assert set(seen) == {"none", "address", "bus_fetch"}, seen


def test_programs_with_a_wrong_command_stop_and_leave_the_memory_that_golden_leaves(cases):
    seen = Counter(cases.run("spoiled", number).end for number in range(50))
    assert set(seen) == {"none", "illegal_command", "token_misuse", "address"}, seen


def test_one_failing_beat_anywhere_stops_the_program_at_its_command(cases):
    seen = Counter(cases.run("fault", number).end for number in range(50))
    assert set(seen) == {"bus_read", "bus_write", "bus_fetch"}, seen
    cases.run("commands", 0)


def test_every_latency_from_1_to_200_cycles(cases):
    for latency in range(1, 201):
        cases.rtl.simulation.set_timing(MemoryTiming(read_latency=latency, write_latency=201 - latency))
        cases.commands.check(f"latency {latency}")
        assert cases.rtl.simulation.quiet


def test_a_reset_at_any_moment_leaves_nothing_open_and_nothing_behind(cases):
    rng = Random(1)
    for number in range(RESETS):
        latency = rng.choice([1, 20, 200])
        cases.rtl.simulation.set_timing(MemoryTiming(read_latency=latency, write_latency=latency))
        cases.commands.check_reset(f"reset {number}", rng.randrange(1, 8000))
        cases.commands.check(f"after reset {number}")


def test_a_write_where_nothing_may_be_written_is_reported_with_its_number(cases, monkeypatch):
    segment = cases.garbage.hosts[0].segments[2]
    monkeypatch.setattr(cases.garbage, "written", slice(segment.offset, segment.offset))
    number = next(number for number in range(GARBAGE) if _writes(cases, number))
    with pytest.raises(
        BenchError, match=rf"garbage {number} \(seed 2\): \d+ bytes outside segment 2 changed"
    ):
        cases.run("garbage", number)


def _writes(cases: ProgramCases, number: int) -> bool:
    try:
        cases.run("garbage", number)
    except BenchError:
        return True
    return False


def _run_many(cases: ProgramCases, kind: str) -> None:
    for number in range(20):
        cases.run(kind, number)


def test_a_byte_that_differs_is_reported_with_its_number(cases, monkeypatch):
    store = ProgramSimulator._store

    def wrong(self, command, runs):
        store(self, command, runs)
        runs[0][:] = ~np.asarray(runs[0])

    monkeypatch.setattr(ProgramSimulator, "_store", wrong)
    for kind, message in (("network", "segment 2 differs"), ("commands", r"\d+ bytes differ")):
        with pytest.raises(BenchError, match=rf"{kind} 1 \(seed 2\): {message}"):
            cases.run(kind, 1)
    for kind in ("spoiled", "fault"):
        with pytest.raises(BenchError, match=rf"{kind} \d+ \(seed 2\): \d+ bytes differ"):
            _run_many(cases, kind)

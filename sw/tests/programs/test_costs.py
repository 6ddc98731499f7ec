"""Cycles and traffic of programs: parts add up to the whole."""

from itertools import pairwise

import pytest

from crisp_golden.cycles.memory_timing import MemoryTiming
from crisp_golden.cycles.program_causes import CAUSES, execute_cycles
from crisp_golden.cycles.timeline import program_timeline
from crisp_spec.cycle_causes import CORE_CAUSES
from crisp_sw.programs.costs import program_figures
from crisp_sw.programs.view import ProgramView
from sw.tests.small_programs import CONFIG, small_network, small_program

PROGRAMS = ({}, {"fuse": False}, {"keep": True})


@pytest.mark.parametrize("options", PROGRAMS)
def test_stages_add_up_to_the_program(options: dict[str, bool]):
    figures = program_figures(small_program(**options))
    assert list(figures.stages) == [node.name for node in small_network().nodes] or options == {}
    assert sum(figures.whole.causes.values()) == figures.cycles
    assert sum(stage.commands for stage in figures.stages.values()) == figures.whole.commands - 1
    assert sum(group.cycles for group in figures.groups) == figures.cycles
    assert all(stage.cycles > 0 for stage in figures.stages.values())


@pytest.mark.parametrize("options", PROGRAMS)
def test_causes_are_those_of_the_cycle_model(options: dict[str, bool]):
    view = ProgramView(small_program(**options))
    timeline = program_timeline(CONFIG, view.commands, view.image.contents, MemoryTiming())
    entries = execute_cycles(CONFIG, view.commands, view.image.contents, timeline)
    for cause in CORE_CAUSES:
        assert sum(entry.causes[cause] for entry in entries) == getattr(timeline.core, cause)
    assert min(value for entry in entries for value in entry.causes.values()) >= 0
    ends = [timeline.times[entry.number].end for entry in entries]
    assert [entry.total for entry in entries] == [end - start for start, end in pairwise([-1, *ends])]


@pytest.mark.parametrize("options", PROGRAMS)
def test_traffic_is_that_of_the_cycle_model(options: dict[str, bool]):
    view = ProgramView(small_program(**options))
    timeline = program_timeline(CONFIG, view.commands, view.image.contents, MemoryTiming())
    whole = program_figures(view.image).whole
    beat = CONFIG.bus_bits // 8
    assert (whole.read, whole.written) == (timeline.read_beats * beat, timeline.write_beats * beat)


def test_fusing_saves_traffic_and_keeping_costs_some():
    fused, unfused, kept = (program_figures(small_program(**options)).whole for options in PROGRAMS)
    assert fused.traffic < unfused.traffic
    assert fused.written < kept.written


def test_slower_memory_takes_more_cycles():
    fast, slow = (
        program_figures(small_program(), MemoryTiming(read_latency=latency)) for latency in (10, 400)
    )
    assert fast.cycles < slow.cycles
    assert fast.whole.causes["compute"] == slow.whole.causes["compute"]


def test_every_cause_is_there_for_every_part():
    figures = program_figures(small_program())
    for part in (figures.whole, *figures.groups, *figures.stages.values()):
        assert tuple(part.causes) == CAUSES
    assert [stage for group in figures.groups for stage in group.stages] == list(figures.stages)

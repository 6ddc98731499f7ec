"""Use of the memories on the chip: against every command's own cells, and against what the compiler knows."""

import numpy as np
import pytest

from crisp_files.json_values import to_json
from crisp_golden.cycles.memory_timing import MemoryTiming
from crisp_golden.cycles.timeline import program_timeline
from crisp_golden.machine.transfers import smem_addresses
from crisp_spec.commands import Memory, Opcode
from crisp_spec.memories import memory_words, word_bits
from crisp_sw.programs.memory_use import POINTS, Residence, memory_use
from crisp_sw.programs.view import ProgramView
from sw.tests.small_programs import CONFIG, small_program

WORD = word_bits(CONFIG, Memory.SMEM) // 8


def used(options: dict):
    view = ProgramView(small_program(**options))
    timeline = program_timeline(CONFIG, view.commands, view.image.contents, MemoryTiming())
    return view, timeline, memory_use(CONFIG, view.commands, view.image.contents, timeline)


@pytest.mark.parametrize("options", [{}, {"fuse": False}, {"keep": True}])
def test_use_stays_within_the_memories(options: dict):
    _, _, use = used(options)
    assert use["activation"].capacity == CONFIG.smem_words * WORD
    assert (
        use["weight"].capacity == memory_words(CONFIG, Memory.WEIGHT) * word_bits(CONFIG, Memory.WEIGHT) // 8
    )
    for memory in use.values():
        assert len(memory.used) == POINTS
        assert 0 < memory.peak <= memory.capacity


@pytest.mark.parametrize("options", [{}, {"fuse": False}])
def test_what_is_loaded_is_there_until_it_is_computed_with(options: dict):
    """At the end of every load of a tensor, at least its words are taken."""
    view, timeline, use = used(options)
    for number, command in enumerate(view.commands):
        if command.opcode is Opcode.LOAD and command["memory"] == Memory.SMEM:
            part = min(timeline.times[number].end * POINTS // timeline.total, POINTS - 1)
            assert use["activation"].used[part] >= len(np.unique(smem_addresses(CONFIG, command))) * WORD


def test_weights_are_there_from_their_load_to_their_last_use():
    view, timeline, use = used({"fuse": False})
    loads = [
        (timeline.times[i].start, command["beats"] * CONFIG.bus_bits // 8)
        for i, command in enumerate(view.commands)
        if command.opcode is Opcode.LOAD and command["memory"] == Memory.WEIGHT
    ]
    assert use["weight"].peak <= sum(size for _, size in loads)
    assert use["weight"].peak >= max(size for _, size in loads)
    first = min(start for start, _ in loads) * POINTS // timeline.total
    assert not any(use["weight"].used[:first])


def test_cells_are_taken_from_the_first_to_the_last_touch_of_their_owner():
    memory = Residence(8)
    memory.touch(np.array([0, 1, 9]), "a", (0, 2))  # 9 wraps to 1
    memory.touch(np.array([0]), "a", (POINTS // 2, POINTS // 2 + 2))
    memory.touch(np.array([1, 2]), "b", (10, 20))
    memory.touch(np.array([2]), None, (20, 30))
    expected = np.zeros(POINTS, int)
    expected[: POINTS // 2 + 3] += 1  # cell 0; the part in which it ends counts too
    expected[:3] += 1  # cell 1 of a
    expected[10:21] += 1  # cell 1 of b
    expected[10:31] += 1  # cell 2
    assert memory.occupancy(POINTS).tolist() == expected.tolist()


def test_an_owner_that_is_replaced_while_it_is_used_counts_once():
    memory = Residence(1)
    memory.touch(np.array([0]), "a", (0, 100))
    memory.touch(np.array([0]), "b", (50, 120))
    assert memory.occupancy(POINTS).max() == 1


def test_a_memory_that_nobody_uses_is_empty():
    assert not Residence(4).occupancy(100).any()


def test_json_has_the_peak():
    use = used({})[2]["activation"]
    assert to_json(use) == {"capacity": use.capacity, "peak": max(use.used), "used": list(use.used)}

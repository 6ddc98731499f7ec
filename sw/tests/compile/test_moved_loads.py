"""Loads of tensors and of parameters are moved past each other; executes still wait for both."""

import numpy as np
import pytest

from crisp_spec.commands import Memory, Opcode
from crisp_sw.compile.dependencies import Tracker, hoist_loads, with_tokens

BOTH = {"SMEM": np.arange(4), "WEIGHT": np.arange(3)}
OUTPUT = {"SMEM": np.arange(4, 8)}


def load(tracker: Tracker, memory: Memory) -> int:
    written = {memory.name: BOTH[memory.name]}
    return tracker.add(Opcode.LOAD, {"memory": int(memory)}, reads={}, writes=written)


@pytest.mark.parametrize("order", [(Memory.SMEM, Memory.WEIGHT), (Memory.WEIGHT, Memory.SMEM)])
@pytest.mark.parametrize(("parameters", "tensors"), [(0, 0), (1, 0), (0, 1), (1, 1)])
def test_an_execute_waits_for_the_later_one_of_its_loads_where_they_have_been_moved_to(
    order, parameters, tensors
):
    """Regression: the later load of the original program is not always the later one of the new program."""
    tracker = Tracker({"SMEM": 8, "WEIGHT": 3})
    load(tracker, Memory.SMEM)
    tracker.add(Opcode.EXECUTE, {}, reads={"SMEM": BOTH["SMEM"]}, writes=OUTPUT)
    loads = [load(tracker, memory) for memory in order]
    execute = tracker.add(Opcode.EXECUTE, {}, reads=BOTH, writes=OUTPUT)
    entries, place = hoist_loads(tracker.entries, parameters=parameters, tensors=tensors)
    commands = with_tokens(entries)
    given = [number for number, command in enumerate(commands) if command["signal_execute"]]
    assert given == [place[0], max(place[number] for number in loads)]
    assert commands[place[execute]]["wait_load"]

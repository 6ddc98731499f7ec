"""What the benches draw at random fits every preset, the largest as the smallest."""

from random import Random

import numpy as np
import pytest

from crisp_golden.machine.simulator import ProgramSimulator
from crisp_golden.stimuli.layer_cases import case_jobs, numbered_case
from crisp_golden.stimuli.random_programs import ProgramMemory, random_program
from crisp_spec.commands import COMMAND_BYTES
from crisp_spec.config import PRESETS


@pytest.mark.parametrize("name", PRESETS)
def test_a_random_program_ends_without_an_error(name):
    config, rng, place = PRESETS[name], Random(1), ProgramMemory(PRESETS[name])
    data = bytearray(rng.randbytes(place.size))
    code = b"".join(command.encode() for command in random_program(config, rng, data, place))
    data[place.program : place.program + len(code)] = code
    memory = np.frombuffer(data, np.uint8)
    before = memory.copy()
    ProgramSimulator(config, place.segments(memory)).run(place.program, len(code) // COMMAND_BYTES)
    changed = np.flatnonzero(memory != before)
    assert len(changed) > 0
    assert changed[-1] < place.space


@pytest.mark.parametrize("name", PRESETS)
def test_random_layers_fit_the_memories(name):
    config = PRESETS[name]
    cases = [numbered_case(config, seed=1, number=number, size=12) for number in range(48)]
    assert [case.layer.name for case in cases] == [f"case_{number}" for number in range(48)]
    assert all(case_jobs(config, case) for case in cases)

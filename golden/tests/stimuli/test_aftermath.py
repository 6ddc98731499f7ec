"""What a program may leave in memory: every image that golden allows, and not a byte else."""

from itertools import pairwise
from random import Random

import numpy as np
import pytest

from crisp_golden.machine.simulator import ProgramSimulator
from crisp_golden.stimuli.aftermath import Aftermath, surviving
from crisp_golden.stimuli.random_programs import ProgramMemory, random_program
from crisp_spec.commands import Command, Opcode
from crisp_spec.config import preset
from crisp_spec.error_codes import ErrorCode, ProgramError

CONFIG = preset("tiny")
PLACE = ProgramMemory(CONFIG)


class Case:
    """A random program; ``after(commands)`` is the memory when so many of its commands have been executed."""

    def __init__(self, seed: int):
        rng = Random(seed)
        data = bytearray(rng.randbytes(PLACE.size))
        self.program = random_program(CONFIG, rng, data, PLACE)
        code = b"".join(command.encode() for command in self.program)
        data[PLACE.program : PLACE.program + len(code)] = code
        self.memory = np.frombuffer(bytes(data), np.uint8)
        self.stores = [n for n, command in enumerate(self.program) if command.opcode is Opcode.STORE]
        self.aftermath = Aftermath(CONFIG, PLACE, self.memory, self.program)

    def after(self, commands: int) -> np.ndarray:
        data = self.memory.copy()
        simulator = ProgramSimulator(CONFIG, PLACE.segments(data))
        if commands < len(self.program):
            with pytest.raises(ProgramError):
                simulator.run(PLACE.program, commands)
        else:
            simulator.run(PLACE.program, commands)
        return data

    def refuses(self, found: np.ndarray, code: ErrorCode, index: int = 0) -> bool:
        try:
            self.aftermath.check(found, code, index)
        except AssertionError:
            return True
        return False


@pytest.fixture(scope="module")
def case() -> Case:
    return Case(1)


def test_a_program_that_ends_leaves_one_image(case):
    end = case.after(len(case.program))
    case.aftermath.check(end, ErrorCode.NONE)
    for place in (0, PLACE.space, PLACE.program, PLACE.size - 1):
        wrong = end.copy()
        wrong[place] ^= 1
        with pytest.raises(AssertionError, match=f"1 bytes differ, the first at {place:#x}, after"):
            case.aftermath.check(wrong, ErrorCode.NONE)


@pytest.mark.parametrize("code", [ErrorCode.ILLEGAL_COMMAND, ErrorCode.TOKEN_MISUSE, ErrorCode.BUS_FETCH])
def test_what_the_dispatcher_finds_lets_nothing_behind_it_begin(case, code):
    store = case.stores[2]
    case.aftermath.check(case.after(store), code, store)
    assert case.refuses(case.after(store), code, store + 1)
    assert case.refuses(case.after(store + 1), code, store)


def test_a_store_that_fails_may_have_written_any_of_its_bytes(case):
    store = case.stores[2]
    before, after = case.after(store), case.after(store + 1)
    mixed = np.where(np.arange(len(before)) % 3 == 0, before, after)
    for found in (before, after, mixed):
        case.aftermath.check(found, ErrorCode.BUS_WRITE, store)
    assert case.refuses(mixed ^ 1, ErrorCode.BUS_WRITE, store)
    assert case.refuses(case.after(case.stores[3] + 1), ErrorCode.BUS_WRITE, store)


def test_a_load_that_fails_lets_stores_go_on_that_do_not_wait_for_it():
    first = Command(Opcode.LOAD, {"signal_execute": 1})
    sync = Command(Opcode.EXECUTE_SYNC, {"wait_load": 1, "signal_store": 1})
    free, waiting = Command(Opcode.STORE, {}), Command(Opcode.STORE, {"wait_execute": 1})
    behind = Command(Opcode.STORE, {"rows": 1})
    assert surviving([first, sync, free, waiting, behind], 0) == [free]
    assert surviving([first, sync, free, waiting, behind], 2) == [first, sync]
    assert surviving([free, first, free], 1) == [free, free]


def test_after_a_failing_load_any_number_of_stores_that_survive_may_be_done(case):
    # The last load: the stores behind it are free, but for those of what it loads.
    load = max(n for n, command in enumerate(case.program) if command.opcode is Opcode.LOAD)
    case.aftermath.check(case.after(load), ErrorCode.BUS_READ, load)
    assert case.refuses(case.after(case.stores[0]), ErrorCode.BUS_READ, load)


def test_a_reset_may_come_between_any_two_bytes(case):
    images = [case.after(store) for store in (*case.stores, len(case.program))]
    for a, b in pairwise(images):
        case.aftermath.check(a, ErrorCode.WATCHDOG)
        case.aftermath.check(np.where(np.arange(len(a)) % 3 == 0, a, b), ErrorCode.WATCHDOG)
    first, third = images[0], images[2]
    assert case.refuses(np.where(np.arange(len(first)) % 2 == 0, first, third), ErrorCode.WATCHDOG)

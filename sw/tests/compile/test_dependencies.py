"""Tokens keep every order that the memories demand, in any schedule that the tokens allow."""

import numpy as np

from crisp_golden.machine.simulator import Tokens
from crisp_spec.commands import Command, Memory, Opcode
from crisp_sw.compile.dependencies import ENGINE_NAMES, Tracker, hoist_loads, with_tokens

CELLS = 12


def random_accesses(rng: np.random.Generator, count: int):
    """(opcode, cells read, cells written) of commands on one memory; stores read what executes wrote."""
    last_writer = {cell: "execute" for cell in range(CELLS)}
    result = []
    for _ in range(count):
        opcode = [Opcode.LOAD, Opcode.EXECUTE, Opcode.STORE][int(rng.integers(3))]
        cells = rng.permutation(CELLS)[: int(rng.integers(1, 4))]
        if opcode is Opcode.LOAD:
            reads, writes = cells[:0], cells
        elif opcode is Opcode.STORE:
            reads, writes = np.array([c for c in cells if last_writer[int(c)] == "execute"], int), cells[:0]
        else:
            reads, writes = rng.permutation(CELLS)[:2], cells
        for cell in writes.tolist():
            last_writer[cell] = "load" if opcode is Opcode.LOAD else "execute"
        result.append((opcode, reads, writes))
    return result


def conflicts(accesses, first: int, second: int) -> bool:
    """Whether two commands of different engines must keep their order."""
    (_, reads, writes), (_, later_reads, later_writes) = accesses[first], accesses[second]
    later = {*later_reads.tolist(), *later_writes.tolist()}
    return bool(set(writes.tolist()) & later or set(reads.tolist()) & set(later_writes.tolist()))


def happens_before(commands: list[Command]) -> np.ndarray:
    """bool[n, n]: command i has ended before command j starts, in every schedule."""
    count = len(commands)
    before = np.zeros((count, count), bool)
    queues: dict[tuple[str, str], list[int]] = {}
    last: dict[str, int] = {}
    for number, command in enumerate(commands):
        sources = [last[command.engine]] if command.engine in last else []
        for other in ENGINE_NAMES:
            if command[f"wait_{other}"]:
                sources.append(queues[other, command.engine].pop(0))
        for source in sources:
            before[:, number] |= before[:, source]
            before[source, number] = True
        for other in ENGINE_NAMES:
            if command[f"signal_{other}"]:
                queues.setdefault((command.engine, other), []).append(number)
        last[command.engine] = number
    return before


def test_conflicting_commands_keep_their_order_wherever_loads_are_moved():
    for seed in range(60):
        rng = np.random.default_rng(seed)
        accesses = random_accesses(rng, 40)
        tracker = Tracker({"m": CELLS})
        for opcode, reads, writes in accesses:
            memory = int(rng.choice([Memory.SMEM, Memory.WEIGHT])) if opcode is Opcode.LOAD else 0
            values = {"memory": memory} if opcode is Opcode.LOAD else {}
            tracker.add(opcode, values, reads={"m": reads}, writes={"m": writes})
        # Loads of tensors and of parameters never share a memory, so only one kind may be moved here.
        entries, place = hoist_loads(tracker.entries, parameters=0, tensors=0)
        before = happens_before(with_tokens(entries))
        for first in range(len(accesses)):
            for second in range(first + 1, len(accesses)):
                if accesses[first][0] != accesses[second][0] and conflicts(accesses, first, second):
                    assert before[place[first], place[second]], (seed, first, second)


def test_loads_of_one_kind_move_without_breaking_the_order():
    moved = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        accesses = random_accesses(rng, 40)
        tracker = Tracker({"m": CELLS})
        for opcode, reads, writes in accesses:
            values = {"memory": Memory.WEIGHT} if opcode is Opcode.LOAD else {}
            tracker.add(opcode, values, reads={"m": reads}, writes={"m": writes})
        entries, place = hoist_loads(tracker.entries, parameters=int(rng.integers(1, 6)), tensors=0)
        moved += place != list(range(len(place)))
        commands = with_tokens(entries)
        before = happens_before(commands)
        for first in range(len(accesses)):
            for second in range(first + 1, len(accesses)):
                if accesses[first][0] != accesses[second][0] and conflicts(accesses, first, second):
                    assert before[place[first], place[second]], (seed, first, second)
        loads = [place[i] for i, access in enumerate(accesses) if access[0] is Opcode.LOAD]
        assert loads == sorted(loads)
    assert moved > 30


def test_every_wait_finds_its_token_in_program_order():
    rng = np.random.default_rng(7)
    tracker = Tracker({"m": CELLS})
    for opcode, reads, writes in random_accesses(rng, 200):
        values = {"memory": Memory.WEIGHT} if opcode is Opcode.LOAD else {}
        tracker.add(opcode, values, reads={"m": reads}, writes={"m": writes})
    tokens = Tokens()
    for command in with_tokens(tracker.entries):
        assert tokens.pass_command(command) is None
    assert not any(tokens.counts.values()), "a token was put down that nobody takes"


def test_independent_commands_need_no_tokens():
    tracker = Tracker({"m": 4})
    tracker.add(Opcode.LOAD, {"memory": 0}, reads={}, writes={"m": np.array([0])})
    tracker.add(Opcode.EXECUTE, {}, reads={"m": np.array([1])}, writes={"m": np.array([2])})
    assert all(not any(command.fields.values()) for command in with_tokens(tracker.entries))

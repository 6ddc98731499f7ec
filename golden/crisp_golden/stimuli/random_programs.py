"""Random legal programs: loads, a job, stores, with no more tokens than the shared memories demand."""

from dataclasses import dataclass, field
from random import Random

import numpy as np

from crisp_golden.machine.chip import Chip
from crisp_golden.machine.simulator import Segment
from crisp_golden.machine.transfers import memory_runs, smem_addresses
from crisp_golden.stimuli.random_jobs import random_job
from crisp_spec.commands import COMMAND_BYTES, Command, Memory, Opcode
from crisp_spec.config import CoreConfig

ALIGNMENT = 1 << 12
PROGRAM_BYTES = 1 << 14
SYNC = {"load": Opcode.LOAD_SYNC, "execute": Opcode.EXECUTE_SYNC, "store": Opcode.STORE_SYNC}


class ProgramMemory:
    """Where a random program and what it works on lie in segment 0; sizes follow from ``config``.

    Segment 1 is the first part of the same memory, and there are no others.

    Attributes
    ----------
    space : bytes of segment 1; tensors are stored and loaded there.
    tables : offset of the contents of the job's memories, behind a guard.
    program : offset of the commands.
    size : bytes of segment 0.
    """

    def __init__(self, config: CoreConfig):
        tables = sum(len(memory) + COMMAND_BYTES for memory in Chip(config).memories.values())
        self.space = max(1 << 16, 2 * config.smem_bytes)
        self.tables = self.space + ALIGNMENT
        self.program = self.tables + -(-tables // ALIGNMENT) * ALIGNMENT
        self.size = self.program + PROGRAM_BYTES

    def segments(self, data: np.ndarray) -> list[Segment]:
        """Golden's segments on ``data`` uint8[size]: the first may be read, the second written."""
        return [Segment(data), Segment(data[: self.space], readable=False, writable=True)]


@dataclass
class Step:
    """A command while its flags are not final, and what it touches: (memory, place) read and written."""

    engine: str
    opcode: Opcode
    fields: dict[str, int]
    reads: set[tuple[str, int]] = field(default_factory=set)
    writes: set[tuple[str, int]] = field(default_factory=set)

    def conflicts(self, other: "Step") -> bool:
        """Whether the order of both matters."""
        return bool(self.writes & (other.reads | other.writes) or self.reads & other.writes)


class ProgramBuilder:
    """Collects steps; adds a token wherever one must wait for another engine."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.seen: dict[tuple[str, str], int] = {}

    def add(self, step: Step) -> None:
        """Append a step behind the tokens that it needs."""
        # Execute comes last: a token that came through it for another engine's sake covers it too.
        for engine in ("load", "store", "execute"):
            if engine == step.engine:
                continue
            mine = [number for number, other in enumerate(self.steps) if other.engine == engine]
            last = max((n for n in mine if step.conflicts(self.steps[n])), default=-1)
            if last > self.seen.get((engine, step.engine), -1):
                self._wait(step, engine, mine[-1])
        self.steps.append(step)

    def _wait(self, step: Step, engine: str, last: int) -> None:
        """Let ``step`` wait for step ``last`` of ``engine``; load and store have no tokens for each other."""
        if "execute" not in (engine, step.engine):
            between = Step("execute", SYNC["execute"], {})
            self._link(engine, last, between)
            self.steps.append(between)
            engine, last = "execute", len(self.steps) - 1
        self._link(engine, last, step)

    def _link(self, engine: str, last: int, step: Step) -> None:
        giver = self.steps[last]
        if giver.fields.get(f"signal_{step.engine}"):
            # Somebody waits for it already. Every token is taken once: put down another one behind it.
            giver = Step(engine, SYNC[engine], {})
            self.steps.append(giver)
            last = len(self.steps) - 1
        giver.fields[f"signal_{step.engine}"] = 1
        step.fields[f"wait_{engine}"] = 1
        self.seen[engine, step.engine] = last

    def program(self) -> list[Command]:
        """The commands, with END."""
        return [*(Command(step.opcode, step.fields) for step in self.steps), Command(Opcode.END, {})]


def transfer_step(config: CoreConfig, opcode: Opcode, fields: dict[str, int]) -> Step:
    """A load or a store, with what it touches."""
    command = Command(opcode, fields)
    step = Step(command.engine, opcode, fields)
    outside = {
        ("external", line)
        for offset, length in memory_runs(config, command)
        for line in range(offset // 32, -(-(offset + length) // 32))
    }
    memory = Memory(command["memory"])
    inside = {("chip", -int(memory))}
    if memory is Memory.SMEM:
        inside = {("chip", int(word) + 1) for word in smem_addresses(config, command).ravel()}
    step.reads, step.writes = (outside, inside) if opcode is Opcode.LOAD else (inside, outside)
    return step


def random_transfer(config: CoreConfig, rng: Random, opcode: Opcode, space: int) -> dict[str, int]:
    """A load of SMEM or a store, from or to any place below ``space``."""
    phased = int(opcode is Opcode.LOAD and rng.random() < 0.3)
    rows, width, planes = rng.randint(1, 8), rng.randint(1, 20), rng.randint(1, 4)
    pitch = width + rng.randint(0, 3)
    ring = -(-rows * pitch // config.cols) + rng.randint(0, 2)
    step = config.bus_bits // 8
    plane_bytes = -(-rows * width * config.word_channels // step) * step
    stride = plane_bytes + step * rng.randint(0, 9)
    fields = {
        "segment": int(opcode is Opcode.STORE),
        "planes": planes,
        "rows": rows,
        "width": width,
        "pitch": pitch,
        "base": rng.randrange(config.bank_depth),
        "plane": ring * (4 if phased else 1),
        "ring": ring,
        "start": rng.randrange(ring * config.cols),
        "offset": rng.randrange(0, space - planes * stride, step),
        "plane_stride": stride,
    }
    if opcode is Opcode.LOAD:
        fields |= {"phased": phased, "odd_row": phased & rng.randint(0, 1)}
    return fields


def random_program(
    config: CoreConfig, rng: Random, data: bytearray, place: ProgramMemory, *, transfers: int = 8
) -> list[Command]:
    """A program that fills all memories, runs a job, and moves tensors before, while and after that.

    Parameters
    ----------
    data : segment 0, into which the contents of the job's memories are put.
    """
    builder = ProgramBuilder()
    job = random_job(np.random.default_rng(rng.randrange(1 << 32)), config)
    offset, step = place.tables, config.bus_bits // 8
    for memory, content in job.chip.memories.items():
        if memory is Memory.SMEM:
            continue
        data[offset : offset + len(content)] = content.tobytes()
        fields = {"memory": int(memory), "offset": offset, "beats": len(content) // step, "address": 0}
        builder.add(transfer_step(config, Opcode.LOAD, fields))
        offset += -(-len(content) // 64) * 64
    builder.add(_whole_memory(config, rng, place.space))
    for _ in range(transfers):
        _add_transfer(builder, config, rng, place.space)
    everything = {("chip", place) for place in range(-len(Memory), config.smem_words + 1)}
    builder.add(Step("execute", Opcode.EXECUTE, job.fields, reads=everything, writes=everything))
    for _ in range(transfers):
        _add_transfer(builder, config, rng, place.space)
    program = builder.program()
    assert len(program) * COMMAND_BYTES <= PROGRAM_BYTES
    return program


def _add_transfer(builder: ProgramBuilder, config: CoreConfig, rng: Random, space: int) -> None:
    opcode = rng.choice([Opcode.LOAD, Opcode.STORE])
    builder.add(transfer_step(config, opcode, random_transfer(config, rng, opcode, space)))


def _whole_memory(config: CoreConfig, rng: Random, space: int) -> Step:
    """A load of the whole activation memory, whose contents are random at power-up."""
    width = min(512, config.smem_words)
    fields = {
        "planes": 1,
        "rows": config.smem_words // width,
        "width": width,
        "pitch": width,
        "ring": config.bank_depth,
        "offset": 64 * rng.randrange((space - config.smem_bytes) // 64),
    }
    return transfer_step(config, Opcode.LOAD, fields)

"""Programs that must end with an error: by a command that is wrong, or because the bus fails."""

from dataclasses import dataclass
from random import Random

from crisp_golden.machine.transfers import memory_runs
from crisp_spec.commands import COMMAND_BYTES, Command, Opcode
from crisp_spec.config import CoreConfig
from crisp_spec.error_codes import ErrorCode

FIELDS = {Opcode.LOAD: "width", Opcode.STORE: "width", Opcode.EXECUTE: "n"}
"""Fields that must not be 0."""

BUS_ERRORS = ErrorCode.BUS_READ, ErrorCode.BUS_WRITE, ErrorCode.BUS_FETCH
SLAVE_ERROR, DECODE_ERROR = ERROR_RESPONSES = 2, 3


def spoil(rng: Random, program: list[Command]) -> list[Command | bytes]:
    """Make one command wrong: a bit outside its fields, a field, a token, or an address."""
    number = rng.randrange(len(program))
    command = program[number]
    changed: Command | bytes
    kind = rng.choice(["bit", "field", "token", "address"])
    if kind == "bit" or command.opcode not in FIELDS:
        data = bytearray(command.encode())
        data[63] |= 0x80
        changed = bytes(data)
    elif kind == "token":
        partner = "load" if command.engine == "execute" else "execute"
        changed = Command(command.opcode, {**command.fields, f"wait_{partner}": 1})
    elif kind == "field":
        changed = Command(command.opcode, {**command.fields, FIELDS[command.opcode]: 0})
    else:
        wrong = command.opcode in (Opcode.LOAD, Opcode.STORE)
        changed = Command(command.opcode, {**command.fields, "segment": 3}) if wrong else bytes(64)
    return [*program[:number], changed, *program[number + 1 :]]


@dataclass(frozen=True)
class Fault:
    """One beat that the bus answers with an error, and the end of a program that meets it.

    Attributes
    ----------
    beat : offset in the program's segment, in bytes.
    response : SLAVE_ERROR or DECODE_ERROR.
    """

    beat: range
    response: int
    code: ErrorCode
    index: int

    @property
    def beats(self) -> tuple[list[range], list[range]]:
        """What fails when it is read, and what fails when it is written."""
        return ([], [self.beat]) if self.code is ErrorCode.BUS_WRITE else ([self.beat], [])


def random_fault(
    config: CoreConfig, rng: Random, program: list[Command], code: ErrorCode, place: int
) -> Fault:
    """A fault in any beat of a legal program's transfers, or of its commands at offset ``place``."""
    step, response = config.bus_bits // 8, rng.choice(ERROR_RESPONSES)
    if code is ErrorCode.BUS_FETCH:
        first = rng.randrange(0, len(program) * COMMAND_BYTES, step)
        return Fault(range(place + first, place + first + step), response, code, first // COMMAND_BYTES)
    opcode = Opcode.STORE if code is ErrorCode.BUS_WRITE else Opcode.LOAD
    runs = {
        index: memory_runs(config, command)
        for index, command in enumerate(program)
        if command.opcode is opcode
    }
    offset, length = rng.choice(rng.choice(list(runs.values())))
    first = rng.randrange(offset, offset + length, step)
    meets = (index for index in runs if any(low <= first < low + size for low, size in runs[index]))
    return Fault(range(first, first + step), response, code, next(meets))

"""Every way in which the simulator stops a program: code, index and reason."""

import numpy as np
import pytest

from crisp_golden.machine.chip import Chip
from crisp_golden.machine.simulator import ProgramSimulator, Segment
from crisp_spec.commands import COMMAND_BYTES, TOKEN_LIMIT, Command, Memory, Opcode
from crisp_spec.config import preset
from crisp_spec.error_codes import ErrorCode, ProgramError

TINY = preset("tiny")
PROGRAM, SIZE = 1 << 15, 2048
"""Bytes of segment 0, and of the others: 1 may be read, 2 written, 3 neither."""

PIXEL = {"planes": 1, "rows": 1, "width": 1, "pitch": 1, "ring": 1}
ENDLESS = Command(
    Opcode.EXECUTE,
    {
        **{"n": 1, "load_beats": TINY.load_beats, "row_tiles": 1, "pixel_tiles": 1, "channel_blocks": 1},
        **{"depth_full": 1, "depth_last": 1, "slot_full": 8, "slot_last": 8},
        **{"pitch": 1, "out_width": 1, "out_height": 1, "act_ring": 1, "out_ring": 1},
    },
)
"""A legal job; but the block-index memory is empty, so that no list of kept windows ends."""

IDLE = Command(Opcode.LOAD_SYNC, {})
SIGNAL = Command(Opcode.LOAD_SYNC, {"signal_execute": 1})
TAKE = Command(Opcode.EXECUTE_SYNC, {"wait_load": 1})
END = Command(Opcode.END, {})
DONE = ErrorCode.NONE, ""


def load(**values: int) -> Command:
    return Command(Opcode.LOAD, {"segment": 1, **PIXEL, **values})


def store(**values: int) -> Command:
    return Command(Opcode.STORE, {"segment": 2, **PIXEL, **values})


def outcome(*commands: Command | bytes, offset: int = 0, length: int | None = None, watchdog: int = 0):
    """Code and reason with which a program stops, and index of the command."""
    words = [command.encode() if isinstance(command, Command) else command for command in commands]
    segments = [Segment(np.zeros(PROGRAM, np.uint8))]
    segments += [
        Segment(np.zeros(SIZE, np.uint8), readable=number == 1, writable=number == 2) for number in (1, 2, 3)
    ]
    code = np.frombuffer(b"".join(words), np.uint8)[: max(0, PROGRAM - offset)]
    segments[0].data[offset : offset + len(code)] = code
    simulator, length = ProgramSimulator(TINY, segments), len(words) if length is None else length
    try:
        simulator.run(offset, length, watchdog=watchdog)
    except ProgramError as error:
        reason = str(error).removeprefix(f"command {error.index}: {error.code.name}: ")
        return (error.code, reason), error.index
    return DONE, length - 1


ILLEGAL, TOKENS, ADDRESS = ErrorCode.ILLEGAL_COMMAND, ErrorCode.TOKEN_MISUSE, ErrorCode.ADDRESS
UNKNOWN = "unknown opcode, or a bit outside the fields"
BAD_COMMANDS = [
    (bytes(COMMAND_BYTES), ILLEGAL, UNKNOWN),
    (END.encode()[:-1] + b"\x80", ILLEGAL, UNKNOWN),
    (load(rows=0), ILLEGAL, "`rows` must be from 1 to 1023, not 0"),
    (load(memory=7), ILLEGAL, "`memory` must be from 0 to 6, not 7"),
    (store(start=2), ILLEGAL, "`start` must be below `ring * 2`, not 2 and 2"),
    (load(wait_execute=1), TOKENS, "waits for a token of the execute engine, but there is none"),
    (store(wait_execute=1), TOKENS, "waits for a token of the execute engine, but there is none"),
    (load(offset=4), ADDRESS, "offset 4 is no multiple of 8 bytes"),
    (store(plane_stride=12), ADDRESS, "plane_stride 12 is no multiple of 8 bytes"),
    (load(offset=SIZE), ADDRESS, "bytes 2048 to 2056 leave segment 1 of 2048 bytes"),
    (store(planes=2, plane_stride=SIZE), ADDRESS, "bytes 2048 to 2056 leave segment 2 of 2048 bytes"),
    (load(memory=Memory.TAP, beats=257), ADDRESS, "bytes 0 to 2056 leave segment 1 of 2048 bytes"),
    (load(segment=3), ADDRESS, "segment 3 may not be read"),
    (store(segment=1), ADDRESS, "segment 1 may not be written"),
    (ENDLESS, ErrorCode.WATCHDOG, "a list of block indices has no last entry"),
]


@pytest.mark.parametrize(("command", "code", "reason"), BAD_COMMANDS)
@pytest.mark.parametrize("before", [0, 3])
def test_a_bad_command_stops_the_program(command: Command | bytes, code: ErrorCode, reason: str, before: int):
    assert outcome(*[IDLE] * before, command, END) == ((code, reason), before)


@pytest.mark.parametrize("transfer", [load, store])
@pytest.mark.parametrize("inside", [0, 1, 2])
def test_planes_before_the_one_that_leaves_its_segment_are_transferred(transfer, inside: int):
    """As the hardware does, which checks one plane after the other."""
    stride = SIZE // 2
    first = SIZE - inside * stride
    command = transfer(segment=1, planes=3, plane=1, plane_stride=stride, offset=first)
    rng = np.random.default_rng(inside)
    chip, memory, code = Chip(TINY, rng), *(rng.integers(0, 256, SIZE, np.uint8) for _ in range(2))
    code[:COMMAND_BYTES] = np.frombuffer(command.encode(), np.uint8)
    segments = [Segment(code, readable=False), Segment(memory, writable=True)]
    words, pixels = chip.smem.copy(), memory.copy().view(np.int8).reshape(-1, TINY.word_channels)
    for plane in range(inside):
        word, pixel = plane * TINY.cols, (first + plane * stride) // TINY.word_channels
        if transfer is load:
            words[word] = pixels[pixel]
        else:
            pixels[pixel] = words[word]
    with pytest.raises(ProgramError, match=f"^command 0: ADDRESS: bytes {SIZE} to "):
        ProgramSimulator(TINY, segments, chip).run(0, 1)
    assert np.array_equal(chip.smem, words)
    assert np.array_equal(memory.view(np.int8).reshape(pixels.shape), pixels)


def test_more_tokens_than_the_hardware_counts():
    full = [SIGNAL] * TOKEN_LIMIT
    assert outcome(*full, END) == (DONE, TOKEN_LIMIT)
    assert outcome(*full, TAKE, SIGNAL, END) == (DONE, TOKEN_LIMIT + 2)
    reason = f"puts down more than {TOKEN_LIMIT} tokens for the execute engine"
    assert outcome(*full, SIGNAL, END) == ((TOKENS, reason), TOKEN_LIMIT)


def test_a_command_takes_longer_than_the_watchdog():
    assert outcome(load(rows=2), END, watchdog=2) == (DONE, 1)
    reason = "takes longer than 1 cycles"
    assert outcome(load(rows=2), END, watchdog=1) == ((ErrorCode.WATCHDOG, reason), 0)


@pytest.mark.parametrize("length", [0, 2])
def test_a_program_without_an_end(length: int):
    assert outcome(IDLE, IDLE, END, length=length) == ((ILLEGAL, "the program has no END"), length)


LEAVES = "the program leaves its segment"


@pytest.mark.parametrize(
    ("offset", "index", "reason"),
    [
        (PROGRAM - 2 * COMMAND_BYTES, 2, LEAVES),
        (PROGRAM, 0, LEAVES),
        (2 * PROGRAM, 0, LEAVES),
        (32, 0, "the program begins at byte 32, no multiple of 64"),
        (COMMAND_BYTES + 1, 0, "the program begins at byte 65, no multiple of 64"),
    ],
)
def test_a_program_that_cannot_be_fetched(offset: int, index: int, reason: str):
    """As the hardware does: of a misaligned program not even the first command, see ``CommandFetcher``."""
    assert outcome(IDLE, IDLE, IDLE, END, offset=offset) == ((ErrorCode.BUS_FETCH, reason), index)
    assert outcome(IDLE, IDLE, IDLE, END, offset=offset, length=0)[0] == (ILLEGAL, "the program has no END")


def test_a_program_is_fetched_whatever_its_segment_permits():
    code = np.frombuffer(load(segment=0).encode() + END.encode(), np.uint8).copy()
    ProgramSimulator(TINY, [Segment(code)]).run(0, 2)
    closed = ProgramSimulator(TINY, [Segment(code, readable=False)])
    closed.run(COMMAND_BYTES, 1)
    with pytest.raises(ProgramError, match=r"^command 0: ADDRESS: segment 0 may not be read$"):
        closed.run(0, 2)


def test_only_a_bus_can_fail():
    """The other codes are those that no program of the simulator can cause: it has no bus."""
    caused = {code for _, code, _ in BAD_COMMANDS} | {ErrorCode.NONE, ErrorCode.BUS_FETCH}
    assert set(ErrorCode) - caused == {ErrorCode.BUS_READ, ErrorCode.BUS_WRITE}

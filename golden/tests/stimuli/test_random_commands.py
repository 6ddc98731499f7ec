"""Whatever bytes stand in the queue, the simulator ends, names a command, and keeps to its segments."""

from collections import Counter
from random import Random

import numpy as np
import pytest

from crisp_golden.machine.chip import Chip
from crisp_golden.machine.simulator import ProgramSimulator, Segment
from crisp_golden.stimuli.random_commands import KINDS, LONGEST, random_words
from crisp_spec.commands import COMMAND_BYTES
from crisp_spec.config import CoreConfig, preset
from crisp_spec.error_codes import ErrorCode, ProgramError

CONFIGS = {
    "tiny": preset("tiny"),
    "wide": CoreConfig(rows=4, cols=4, lanes=8, bus_bits=256, smem_words=1024, weight_words=256),
}
PROGRAMS = 1250
"""Of every kind on every configuration: 10,000 programs in all."""

GUARD, SIZE, PROGRAM_BYTES = 4096, 1 << 14, 1 << 10
WATCHDOG = 20_000
PERMISSIONS = ((True, False), (True, False), (False, True), (False, False))


class Memory:
    """Four segments with guards around them, in one block of random bytes."""

    def __init__(self, seed: int):
        self.bytes = np.random.default_rng(seed).integers(0, 256, 4 * (SIZE + GUARD) + GUARD, np.uint8)
        places = [slice(first := GUARD + (GUARD + SIZE) * number, first + SIZE) for number in range(4)]
        self.segments = [
            Segment(self.bytes[place], readable=readable, writable=writable)
            for place, (readable, writable) in zip(places, PERMISSIONS, strict=True)
        ]
        self.read_only = np.ones(len(self.bytes), bool)
        self.read_only[places[2]] = False

    def outcome(self, config: CoreConfig, chip: Chip, words: list[bytes]) -> tuple[ErrorCode, int]:
        """Run a program; return error code and index."""
        code = np.frombuffer(b"".join(words), np.uint8)
        self.segments[0].data[-PROGRAM_BYTES:][: len(code)] = code
        before = self.bytes.copy()
        try:
            ProgramSimulator(config, self.segments, chip).run(
                SIZE - PROGRAM_BYTES, len(words), watchdog=WATCHDOG
            )
        except ProgramError as error:
            return error.code, error.index
        finally:
            assert np.array_equal(before[self.read_only], self.bytes[self.read_only])
        return ErrorCode.NONE, len(words) - 1


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("kind", KINDS)
def test_any_program_ends_and_writes_only_where_it_may(name, kind):
    config, rng, memory = CONFIGS[name], Random(f"{name} {kind}"), Memory(1)
    assert (LONGEST + 1) * COMMAND_BYTES <= PROGRAM_BYTES
    seen = Counter()
    for number in range(PROGRAMS):
        chip = Chip(config, np.random.default_rng(number))
        words = random_words(rng, config, kind)
        code, index = memory.outcome(config, chip, words)
        assert index <= len(words), (number, code, index)
        seen[code] += 1
    assert seen[ErrorCode.ILLEGAL_COMMAND] > PROGRAMS / 10, seen
    if kind == "legal":
        reached = {ErrorCode.NONE, ErrorCode.TOKEN_MISUSE, ErrorCode.ADDRESS, ErrorCode.WATCHDOG}
        assert min(seen[code] for code in reached) > PROGRAMS / 100, seen

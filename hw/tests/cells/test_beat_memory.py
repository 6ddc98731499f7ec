# amaranth: UnusedElaboratable=no
"""The memory between beats and words against an array of bytes."""

from typing import Any

import numpy as np
import pytest

from crisp_hw.cells import BeatMemory, Technology
from crisp_spec.latencies import BEAT_MEMORY_LATENCY
from hw.tests.simulate import simulate

SHAPES = [
    {"word_bits": 16, "words": 64, "beat_bits": 64},
    {"word_bits": 4, "words": 128, "beat_bits": 64},
    {"word_bits": 64, "words": 16, "beat_bits": 64},
    {"word_bits": 256, "words": 16, "beat_bits": 64},
    {"word_bits": 512, "words": 4, "beat_bits": 256},
]


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: f"{shape['word_bits']}_by_{shape['beat_bits']}")
def test_words_are_what_the_beats_wrote_whatever_the_widths(shape: dict[str, int]):
    memory = BeatMemory(**shape, technology=Technology.GENERIC)
    word_bits, words, beat_bits = shape["word_bits"], shape["words"], shape["beat_bits"]
    total = words * word_bits

    async def bench(ctx: Any) -> None:
        rng = np.random.default_rng(1)
        contents = int.from_bytes(rng.bytes(total // 8), "little")
        expected: list[int | None] = []
        for beat in range(total // beat_bits):
            ctx.set(memory.write_en, 1)
            ctx.set(memory.write_addr, beat)
            ctx.set(memory.write_data, contents >> beat * beat_bits & (1 << beat_bits) - 1)
            await ctx.tick()
        for cycle in range(400):
            beat, word = int(rng.integers(total // beat_bits)), int(rng.integers(words))
            data = int.from_bytes(rng.bytes(beat_bits // 8), "little")
            # The beat and the word must not overlap.
            overlap = beat * beat_bits < (word + 1) * word_bits and word * word_bits < (beat + 1) * beat_bits
            write, read = rng.random() < 0.5 and not overlap, rng.random() < 0.7
            ctx.set(memory.write_en, int(write))
            ctx.set(memory.write_addr, beat)
            ctx.set(memory.write_data, data)
            ctx.set(memory.read_en, int(read))
            ctx.set(memory.read_addr, word)
            found = contents >> word * word_bits & (1 << word_bits) - 1
            expected.append(found if read else expected[-1] if expected else None)
            if write:
                mask = (1 << beat_bits) - 1 << beat * beat_bits
                contents = contents & ~mask | data << beat * beat_bits
            if cycle >= memory.latency and expected[cycle - memory.latency] is not None:
                assert ctx.get(memory.read_data) == expected[cycle - memory.latency], f"cycle {cycle}"
            await ctx.tick()

    simulate(memory, bench)


def test_the_smallest_memory_has_two_words_in_its_block_ram():
    memory = BeatMemory(word_bits=8, words=16, beat_bits=256, technology=Technology.GENERIC)
    assert (memory.depth, len(memory.write_addr), len(memory.read_addr)) == (2, 1, 6)


def test_latency_is_the_cycle_models():
    assert BeatMemory.latency == BEAT_MEMORY_LATENCY

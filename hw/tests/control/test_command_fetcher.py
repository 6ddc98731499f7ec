"""Command fetcher: all commands in the segment, in order, never more than fit."""

from random import Random

import pytest
from amaranth.hdl import Module
from amaranth.lib import wiring

from crisp_hw.bus.burst_reader import BurstReader
from crisp_hw.control.command_fetcher import CommandFetcher
from crisp_spec.dma_latencies import FETCH_BURST, PREFETCH_COMMANDS
from crisp_spec.registers import PAGE_BITS
from hw.tests.agents import AxiMemory, AxiTraffic, Sink, clock
from hw.tests.simulate import simulate

BASE = 0x3000
SIZE = 1 << 14


class Bench:
    """A fetcher with its reader and an external memory of random bytes."""

    def __init__(self, data_bits: int, *, chance: float = 1.0, taken: float = 1.0, base: int = BASE):
        self.step, self.base = data_bits // 8, base
        self.rng = Random(data_bits)
        self.fetcher, self.reader = CommandFetcher(data_bits), BurstReader(data_bits)
        self.memory = AxiMemory(self.reader.bus, data_bits, SIZE, rng=self.rng, base=base)
        self.memory.data[:] = self.rng.randbytes(SIZE)
        self.memory.traffic = AxiTraffic(latency=6, chance=chance)
        self.sink = Sink(self.fetcher.program.beats, rng=self.rng, chance=taken)
        self.limit = self.complete = 0

    def run(self, offset: int, length: int, size: int = SIZE, cycles: int = 4000) -> None:
        m = Module()
        m.submodules.fetcher, m.submodules.reader = self.fetcher, self.reader
        wiring.connect(m, self.fetcher.bus, self.reader.fetch)

        async def bench(ctx):
            fetcher = self.fetcher
            ctx.set(fetcher.segment, {"page": self.base >> PAGE_BITS, "size": size})
            ctx.set(fetcher.offset, offset)
            ctx.set(fetcher.length, length)
            for cycle in range(cycles):
                ctx.set(fetcher.start, cycle == 3)
                await clock(ctx, [self.memory, self.sink])
            assert ctx.get(fetcher.program.limited)
            self.limit, self.complete = ctx.get(fetcher.program.limit), ctx.get(fetcher.program.complete)

        simulate(m, bench)

    def expected(self, offset: int, commands: int) -> list[int]:
        places = range(offset, offset + 64 * commands, self.step)
        return [int.from_bytes(self.memory.data[at : at + self.step], "little") for at in places]


@pytest.mark.parametrize("data_bits", [64, 128, 256])
@pytest.mark.parametrize(("chance", "taken"), [(1.0, 1.0), (0.5, 0.5)])
@pytest.mark.parametrize(("offset", "length"), [(0, 1), (64 * 3, 37), (64 * 62, 50)])
def test_a_program_is_fetched(data_bits, chance, taken, offset, length):
    bench = Bench(data_bits, chance=chance, taken=taken)
    bench.run(offset, length)
    assert [item["data"] for item in bench.sink.items] == bench.expected(offset, length)
    assert (bench.limit, bench.complete) == (length, 1)
    assert all(beats <= FETCH_BURST * 64 // bench.step for _, _, beats in bench.memory.read_log)


def test_it_reads_no_further_than_there_is_room():
    bench = Bench(64, taken=0.0)
    bench.run(0, 100)
    assert sum(beats for _, _, beats in bench.memory.read_log) == PREFETCH_COMMANDS * 8


@pytest.mark.parametrize(
    ("offset", "length", "size", "limit"),
    [
        (64, 5, 64 + 5 * 64, 5),
        (64, 5, 64 + 5 * 64 - 1, 4),
        (64, 5, 128, 1),
        (64, 5, 64, 0),
        (128, 5, 64, 0),
        (32, 5, SIZE, 0),
        (0, 0, SIZE, 0),
        (0, 0xFFFF_FFFF, SIZE, SIZE // 64),
    ],
)
def test_commands_outside_the_segment_are_not_fetched(offset, length, size, limit):
    bench = Bench(64)
    bench.run(offset, length, size)
    assert (bench.limit, bench.complete) == (limit, limit == length)
    assert len(bench.sink.items) == 8 * limit


@pytest.mark.parametrize(("offset", "limit"), [(SIZE - 3 * 64, 3), (SIZE - 64, 1), (SIZE, 0), (SIZE + 64, 0)])
def test_no_command_lies_beyond_the_address_space(offset, limit):
    bench = Bench(64, base=(1 << 64) - SIZE)
    bench.run(offset, 5, size=4 * SIZE)
    assert (bench.limit, bench.complete) == (limit, 0)
    assert [item["data"] for item in bench.sink.items] == bench.expected(offset, limit)

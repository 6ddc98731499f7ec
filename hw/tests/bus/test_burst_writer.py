"""Burst writer: bytes in memory, full rate, errors, abort."""

from itertools import pairwise
from random import Random

import pytest

from crisp_hw.bus.burst_writer import BurstWriter
from hw.tests.agents import ERROR_RESPONSES, AxiMemory, AxiTraffic, Source, clock, run_agents
from hw.tests.simulate import simulate

BASE = 0x2000
SIZE = 1 << 14


class Bench:
    """A writer with disjoint random bursts over a memory full of guard bytes."""

    def __init__(self, seed: int, data_bits: int = 64, *, chance: float = 1.0, offered: float = 1.0):
        self.rng = rng = Random(seed)
        self.dut = dut = BurstWriter(data_bits)
        self.memory = AxiMemory(dut.bus, data_bits, SIZE, rng=rng, base=BASE)
        self.memory.data[:] = b"\xa5" * SIZE
        self.memory.traffic = AxiTraffic(latency=rng.choice([1, 5, 30]), chance=chance)
        self.step = data_bits // 8
        self.requests = Source(dut.store.request, rng=rng, chance=offered)
        self.words = Source(dut.store.data, rng=rng, chance=offered)
        self.agents = [self.memory, self.requests, self.words]
        self.expected = bytearray(self.memory.data)

    def fill(self, bursts: int, beats: int | None = None) -> None:
        chunks = self.rng.sample(range(SIZE // (64 * self.step)), bursts)
        for chunk in chunks:
            count = beats or self.rng.randint(1, 64)
            first = (chunk * 64 + self.rng.randint(0, 64 - count)) * self.step
            content = self.rng.randbytes(count * self.step)
            self.expected[first : first + len(content)] = content
            self.requests.items.append({"address": BASE + first, "beats": count})
            self.words.items.extend(
                int.from_bytes(content[at : at + self.step], "little")
                for at in range(0, len(content), self.step)
            )

    def ended(self) -> bool:
        return not self.words.items and self.memory.quiet

    def run(self) -> int:
        return run_agents(self.dut, self.agents, self.ended, limit=20000, after=60)


@pytest.mark.parametrize("data_bits", [64, 256])
@pytest.mark.parametrize(("chance", "offered"), [(1.0, 1.0), (0.5, 1.0), (1.0, 0.5), (0.4, 0.6)])
def test_memory_has_the_bytes_and_nothing_else_changed(data_bits, chance, offered):
    bench = Bench(1, data_bits, chance=chance, offered=offered)
    bench.fill(8)
    bench.run()
    assert bench.memory.data == bench.expected


def test_full_rate_across_bursts():
    bench = Bench(2)
    bench.memory.traffic.latency = 20
    bench.fill(16, beats=64)
    bench.run()
    assert {b - a for a, b in pairwise(bench.memory.write_beats)} == {1}
    taken = bench.requests.sent[0]
    assert bench.memory.write_log[0][0] == taken + 1
    assert bench.memory.write_beats[0] == taken + 4


@pytest.mark.parametrize("seed", range(8))
def test_abort_ends_open_bursts_without_changing_memory(seed):
    bench = Bench(seed, chance=0.6, offered=0.7)
    bench.fill(10)
    abort_at = bench.rng.randrange(1, 200)

    async def run(ctx):
        for _ in range(abort_at):
            await clock(ctx, bench.agents)
        ctx.set(bench.dut.abort, 1)
        await clock(ctx, bench.agents)
        sent = len(bench.requests.sent)
        for _ in range(3000):
            await clock(ctx, bench.agents)
            if ctx.get(bench.dut.idle):
                break
        assert ctx.get(bench.dut.idle)
        assert bench.memory.quiet
        assert len(bench.requests.sent) == sent
        assert len(bench.memory.write_log) == sent
        wrong = [a != b != 0xA5 for a, b in zip(bench.expected, bench.memory.data, strict=True)]
        assert not any(wrong)

    simulate(bench.dut, run)


@pytest.mark.parametrize("response", ERROR_RESPONSES)
@pytest.mark.parametrize("failing", [set(), {0}, {2}])
def test_an_error_is_remembered_until_clear(failing, response):
    bench = Bench(3)
    bench.memory.traffic.failing_writes, bench.memory.traffic.error = failing, response
    bench.fill(3)

    async def run(ctx):
        while not (bench.ended() and ctx.get(bench.dut.idle)):
            await clock(ctx, bench.agents)
        assert ctx.get(bench.dut.store.failed) == bool(failing)
        ctx.set(bench.dut.store.clear, 1)
        await clock(ctx, bench.agents)
        assert ctx.get(bench.dut.store.failed) == 0

    simulate(bench.dut, run)

"""Burst reader: data for the right client, priority, errors, abort."""

from itertools import pairwise
from random import Random

import pytest

from crisp_hw.bus.burst_reader import BurstReader
from hw.tests.agents import ERROR_RESPONSES, AxiMemory, AxiTraffic, Sink, Source, clock, run_agents
from hw.tests.simulate import simulate

BASE = 0x1_0000_0000
SIZE = 1 << 14


class Bench:
    """A reader with a memory full of random bytes and one source and sink for each client."""

    def __init__(self, seed: int, data_bits: int = 64, *, chance: float = 1.0, accepted: float = 1.0):
        self.rng = rng = Random(seed)
        self.dut = dut = BurstReader(data_bits)
        self.memory = AxiMemory(dut.bus, data_bits, SIZE, rng=rng, base=BASE)
        self.memory.data[:] = rng.randbytes(SIZE)
        self.memory.traffic = AxiTraffic(latency=rng.choice([1, 5, 30]), chance=chance)
        self.step = data_bits // 8
        self.sources = {name: Source(getattr(dut, name).request, rng=rng) for name in ("fetch", "load")}
        self.sinks = {
            name: Sink(getattr(dut, name).data, rng=rng, chance=accepted) for name in ("fetch", "load")
        }
        self.agents = [self.memory, *self.sources.values(), *self.sinks.values()]

    def request(self, name: str, count: int) -> None:
        for _ in range(count):
            beats = self.rng.randint(1, 64)
            chunk = self.rng.randrange(SIZE // (64 * self.step))
            first = chunk * 64 + self.rng.randint(0, 64 - beats)
            self.sources[name].items.append({"address": BASE + first * self.step, "beats": beats})

    def expected(self, name: str) -> list[int]:
        return [
            int.from_bytes(self.memory.data[at : at + self.step], "little")
            for item in self.sources[name].items
            for at in range(
                item["address"] - BASE, item["address"] - BASE + item["beats"] * self.step, self.step
            )
        ]

    def run(self, beats: int) -> int:
        def ended() -> bool:
            return sum(len(sink.items) for sink in self.sinks.values()) >= beats

        return run_agents(self.dut, self.agents, ended, limit=100 * beats + 1000)


@pytest.mark.parametrize("data_bits", [64, 256])
@pytest.mark.parametrize(("chance", "accepted"), [(1.0, 1.0), (0.5, 1.0), (1.0, 0.5), (0.4, 0.6)])
def test_every_client_receives_its_data_in_order(data_bits, chance, accepted):
    bench = Bench(1, data_bits, chance=chance, accepted=accepted)
    for name in ("fetch", "load"):
        bench.request(name, 12)
    expected = {name: bench.expected(name) for name in ("fetch", "load")}
    bench.run(sum(map(len, expected.values())))
    for name, words in expected.items():
        assert [item["data"] for item in bench.sinks[name].items] == words
        assert not any(item["error"] for item in bench.sinks[name].items)
    assert bench.memory.quiet


def test_fetches_go_first():
    bench = Bench(2)
    bench.request("load", 10)
    bench.request("fetch", 3)
    addresses = [item["address"] for item in bench.sources["fetch"].items]
    beats = sum(item["beats"] for source in bench.sources.values() for item in source.items)
    bench.run(beats)
    assert [address for _, address, _ in bench.memory.read_log[:3]] == addresses


def test_latencies_and_full_rate():
    bench = Bench(3)
    bench.memory.traffic.latency = 6
    bench.sources["load"].items.extend({"address": BASE + 512 * i, "beats": 64} for i in range(12))
    bench.run(12 * 64)
    (first, *_), beats = bench.memory.read_log[0], bench.memory.read_beats
    assert first == bench.sources["load"].sent[0] + 1
    assert bench.sinks["load"].cycles == [cycle + 2 for cycle in beats]
    assert {b - a for a, b in pairwise(beats)} == {1}


@pytest.mark.parametrize("response", ERROR_RESPONSES)
def test_an_error_marks_every_beat_of_its_burst_alone(response):
    bench = Bench(4)
    bench.memory.traffic.failing_reads, bench.memory.traffic.error = {1}, response
    bench.sources["load"].items.extend({"address": BASE + 512 * i, "beats": 3} for i in range(3))
    bench.run(9)
    assert [item["error"] for item in bench.sinks["load"].items] == [0] * 3 + [1] * 3 + [0] * 3


@pytest.mark.parametrize("seed", range(8))
def test_abort_ends_what_is_open_and_drops_the_data(seed):
    bench = Bench(seed, chance=0.6, accepted=0.2)
    bench.request("load", 12)
    bench.request("fetch", 3)
    abort_at = bench.rng.randrange(1, 60)

    async def run(ctx):
        for _ in range(abort_at):
            await clock(ctx, bench.agents)
        ctx.set(bench.dut.abort, 1)
        await clock(ctx, bench.agents)
        received = [len(sink.items) for sink in bench.sinks.values()]
        sent = [len(source.sent) for source in bench.sources.values()]
        for sink in bench.sinks.values():
            sink._held = None
        for _ in range(3000):
            await clock(ctx, bench.agents)
            if ctx.get(bench.dut.idle):
                break
        assert ctx.get(bench.dut.idle)
        assert bench.memory.quiet
        assert [len(sink.items) for sink in bench.sinks.values()] == received
        assert [len(source.sent) for source in bench.sources.values()] == sent

    simulate(bench.dut, run)

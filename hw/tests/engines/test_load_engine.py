"""Load engine: every beat at its address, full rate, timing, errors."""

from itertools import pairwise
from random import Random
from typing import Any

import pytest
from amaranth.hdl import Module
from amaranth.lib import wiring

from crisp_hw.bus.burst_reader import BurstReader
from crisp_hw.engines.load_engine import LoadEngine
from crisp_spec.commands import Memory
from crisp_spec.config import CoreConfig
from crisp_spec.dma_latencies import HEAD_INTERVAL
from crisp_spec.error_codes import ErrorCode
from crisp_spec.registers import PAGE_BITS
from hw.tests.agents import AxiMemory, AxiTraffic, Sink, Source, clock
from hw.tests.engines.tensors import CONFIGS, pixel_words, random_tensor
from hw.tests.simulate import simulate

BASE = 0x4000
SIZE = 1 << 16


class WritePort:
    """Memories of the core: takes writes, ready with ``chance``, and remembers them."""

    def __init__(self, engine: LoadEngine, rng: Random, chance: float):
        self.engine, self.rng, self.chance = engine, rng, chance
        self.writes: list[tuple[int, int, int]] = []
        self.cycles: list[int] = []
        self.cycle = 0

    def set_ports(self, ctx: Any) -> None:
        ctx.set(self.engine.fill.ready, self.rng.random() < self.chance)

    def observe(self, ctx: Any) -> None:
        engine = self.engine
        if ctx.get(engine.fill.en) and ctx.get(engine.fill.ready):
            port = engine.fill
            self.writes.append(tuple(ctx.get(signal) for signal in (port.memory, port.address, port.data)))
            self.cycles.append(self.cycle)
        self.cycle += 1


class Bench:
    """A load engine with its reader, an external memory of random bytes, and a log of what it writes."""

    def __init__(self, config: CoreConfig, seed: int, *, chance: float = 1.0, ready: float = 1.0):
        self.config, self.rng = config, Random(seed)
        self.engine, self.reader = LoadEngine(config), BurstReader(config.bus_bits)
        self.memory = AxiMemory(self.reader.bus, config.bus_bits, SIZE, rng=self.rng, base=BASE)
        self.memory.data[:] = self.rng.randbytes(SIZE)
        self.memory.traffic = AxiTraffic(latency=self.rng.choice([1, 7, 40]), chance=chance)
        self.commands = Source(self.engine.i, rng=self.rng)
        self.port = WritePort(self.engine, self.rng, ready)
        self.errors = Sink(self.engine.error, rng=self.rng)
        self.gives: list[int] = []
        self.starts: list[int] = []

    def module(self) -> Module:
        m = Module()
        m.submodules.engine, m.submodules.reader = self.engine, self.reader
        wiring.connect(m, self.engine.bus, self.reader.load)
        return m

    def run(self, commands: int, size: int = SIZE, allowed: int = 1, limit: int = 40000) -> None:
        """Run until so many commands have put down their token or ended in an error."""

        async def bench(ctx):
            segments = [{"page": BASE >> PAGE_BITS, "size": size, "allowed": allowed}] * 4
            ctx.set(self.engine.segments, segments)
            ctx.set(self.engine.tokens.available, 1)
            for cycle in range(limit):
                await clock(ctx, [self.memory, self.commands, self.port, self.errors])
                working = ctx.get(self.engine.working)
                if working and len(self.starts) == len(self.gives):
                    self.starts.append(cycle + 1)
                if ctx.get(self.engine.tokens.give):
                    self.gives.append(cycle + 1)
                if len(self.gives) + len(self.errors.items) == commands:
                    break
            assert len(self.gives) + len(self.errors.items) == commands
            for _ in range(50):
                await clock(ctx, [self.memory, self.commands, self.port, self.errors])
            assert self.memory.quiet
            assert ctx.get(self.engine.idle)

        simulate(self.module(), bench)

    def beat(self, offset: int) -> int:
        step = self.config.bus_bits // 8
        return int.from_bytes(self.memory.data[offset : offset + step], "little")

    def smem_command(self, tensor: dict[str, int], index: int = 0) -> tuple[dict, list[tuple[int, int, int]]]:
        """A load of ``tensor`` from a random place, and the writes that it must make."""
        config, step = self.config, self.config.bus_bits // 8
        pixels = tensor["rows"] * tensor["width"]
        parts = config.word_bits // config.bus_bits
        offset = 32 * self.rng.randrange(100)
        stride = -(-pixels * config.word_channels // 32) * 32 + 32 * self.rng.randrange(20)
        command = {"index": index, "offset": offset, "plane_stride": stride, "signal_execute": 1, **tensor}
        command["pixels"] = pixels
        writes = []
        for number, word in enumerate(pixel_words(config, tensor)):
            plane, pixel = divmod(number, pixels)
            for part in range(parts):
                source = offset + plane * stride + (pixel * parts + part) * step
                writes.append((Memory.SMEM, word * parts + part, self.beat(source)))
        return command, writes

    def written(self) -> list[tuple[int, int, int]]:
        """What was written, SMEM addresses cut to the memory."""
        beats = self.config.smem_words * (self.config.word_bits // self.config.bus_bits)
        return [
            (memory, address % beats if memory == Memory.SMEM else address, data)
            for memory, address, data in self.port.writes
        ]


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("phased", [False, True])
@pytest.mark.parametrize(("chance", "ready"), [(1.0, 1.0), (0.4, 1.0), (1.0, 0.4), (0.6, 0.6)])
def test_every_beat_goes_to_its_place(name, phased, chance, ready):
    bench = Bench(CONFIGS[name], 1, chance=chance, ready=ready)
    expected = []
    for index in range(8):
        command, writes = bench.smem_command(random_tensor(bench.config, bench.rng, phased=phased), index)
        bench.commands.items.append(command)
        expected += writes
    bench.run(8)
    assert bench.written() == expected


@pytest.mark.parametrize("name", CONFIGS)
def test_tables_are_filled_beat_by_beat(name):
    bench = Bench(CONFIGS[name], 2, chance=0.7)
    step, expected = bench.config.bus_bits // 8, []
    for index, memory in enumerate((Memory.WEIGHT, Memory.TAP, Memory.RESIDUAL_CHANNEL)):
        offset, address, beats = 32 * (index + 3), 100 * index, bench.rng.randint(1, 200)
        bench.commands.items.append(
            {"index": index, "memory": memory, "offset": offset, "address": address, "beats": beats}
            | {"signal_execute": 1}
        )
        expected += [(memory, address + i, bench.beat(offset + i * step)) for i in range(beats)]
    bench.run(3)
    assert bench.written() == expected


def test_timing_and_full_rate():
    bench = Bench(CONFIGS["tiny"], 3)
    bench.memory.traffic.latency = 9
    tensor = {"planes": 2, "rows": 40, "width": 10, "pitch": 10, "ring": 200, "plane": 200}
    for index in range(2):
        bench.commands.items.append(bench.smem_command({**tensor, "start": 0, "base": 0}, index)[0])
    bench.run(2)
    beats = bench.memory.read_beats
    assert {b - a for a, b in pairwise(beats[:800])} == {1}
    assert bench.port.cycles == [cycle + 4 for cycle in beats]
    begin = bench.starts[0] - 1
    assert bench.memory.read_log[0][0] == begin + 7
    assert bench.gives == [beats[799] + 6, beats[1599] + 6]
    assert bench.starts[1] == bench.gives[0] + HEAD_INTERVAL + 1


@pytest.mark.parametrize(
    ("change", "size", "allowed", "code"),
    [
        ({}, SIZE, 0, ErrorCode.ADDRESS),
        ({}, 100, 1, ErrorCode.ADDRESS),
        ({"offset": 4}, SIZE, 1, ErrorCode.ADDRESS),
        ({"plane_stride": 12}, SIZE, 1, ErrorCode.ADDRESS),
        ({"failing": 0}, SIZE, 1, ErrorCode.BUS_READ),
        ({"failing": 2}, SIZE, 1, ErrorCode.BUS_READ),
    ],
)
def test_an_error_stops_the_engine_when_all_data_is_in(change, size, allowed, code):
    bench = Bench(CONFIGS["tiny"], 4, chance=0.5)
    change = dict(change)
    bench.memory.traffic.failing_reads = {change.pop("failing", 1000)}
    tensor = {"planes": 4, "rows": 3, "width": 7, "pitch": 7, "ring": 20, "plane": 20, "start": 0, "base": 0}
    for index in (5, 6):
        command = bench.smem_command(tensor, index)[0]
        bench.commands.items.append({**command, **change})
    bench.run(1, size=size, allowed=allowed)
    assert bench.errors.items == [{"code": code, "index": 5}]
    assert not bench.gives

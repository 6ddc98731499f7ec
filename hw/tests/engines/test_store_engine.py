"""Store engine: memory has the tensor and nothing else changed; full rate, timing, errors."""

from collections import deque
from itertools import pairwise
from random import Random
from typing import Any

import pytest
from amaranth.hdl import Module, Value
from amaranth.lib import wiring

from crisp_hw.bus.burst_writer import BurstWriter
from crisp_hw.engines.store_engine import StoreEngine
from crisp_spec.config import CoreConfig
from crisp_spec.dma_latencies import HEAD_INTERVAL, STORE_READ, STORE_SEND
from crisp_spec.error_codes import ErrorCode
from crisp_spec.registers import PAGE_BITS
from hw.tests.agents import AxiMemory, AxiTraffic, Sink, Source, clock
from hw.tests.engines.tensors import CONFIGS, pixel_words, random_tensor
from hw.tests.simulate import simulate

BASE = 0x4000
SIZE = 1 << 16
READ_LATENCY = 4


class ReadPort:
    """The activation memory behind the core's read port, ready with ``chance``."""

    def __init__(self, engine: StoreEngine, rng: Random, chance: float):
        self.engine, self.config, self.rng, self.chance = engine, engine.config, rng, chance
        self.words = [rng.getrandbits(self.config.word_bits) for _ in range(self.config.smem_words)]
        self.pipeline: deque[int | None] = deque([None] * READ_LATENCY)
        self.cycles: list[int] = []
        self.cycle = 0

    def set_ports(self, ctx: Any) -> None:
        ctx.set(self.engine.read.ready, self.rng.random() < self.chance)
        ctx.set(self.engine.read.done, self.pipeline[0] is not None)
        ctx.set(Value.cast(self.engine.read.data), self.pipeline[0] or 0)

    def observe(self, ctx: Any) -> None:
        self.pipeline.popleft()
        engine, value = self.engine, None
        if ctx.get(engine.read.valid) and ctx.get(engine.read.ready):
            port = engine.read
            value = self._read(*[ctx.get(signal) for signal in (port.row, port.next_row, port.rotation)])
            self.cycles.append(self.cycle)
        self.pipeline.append(value)
        self.cycle += 1

    def _read(self, row: int, next_row: int, rotation: int) -> int:
        config, value = self.config, 0
        for column in range(config.cols):
            bank = (rotation + column) % config.cols
            word = (row if bank >= rotation else next_row) * config.cols + bank
            value |= self.words[word % config.smem_words] << bank * config.word_bits
        return value


class Bench:
    """A store engine with its writer, an external memory of guard bytes, and a random activation memory."""

    def __init__(self, config: CoreConfig, seed: int, *, chance: float = 1.0, ready: float = 1.0):
        self.config, self.rng = config, Random(seed)
        self.engine = StoreEngine(config)
        self.writer = BurstWriter(config.bus_bits)
        self.memory = AxiMemory(self.writer.bus, config.bus_bits, SIZE, rng=self.rng, base=BASE)
        self.memory.data[:] = b"\x5a" * SIZE
        self.memory.traffic = AxiTraffic(latency=self.rng.choice([1, 7, 40]), chance=chance)
        self.commands = Source(self.engine.i, rng=self.rng)
        self.port = ReadPort(self.engine, self.rng, ready)
        self.errors = Sink(self.engine.error, rng=self.rng)
        self.expected = bytearray(self.memory.data)
        self.free = 0
        self.gives: list[int] = []
        self.starts: list[int] = []

    def module(self) -> Module:
        m = Module()
        m.submodules.engine, m.submodules.writer = self.engine, self.writer
        wiring.connect(m, self.engine.bus, self.writer.store)
        return m

    def run(self, commands: int, size: int = SIZE, allowed: int = 1, limit: int = 40000) -> None:
        """Run until so many commands have put down their token or ended in an error."""
        agents = [self.memory, self.commands, self.port, self.errors]

        async def bench(ctx):
            ctx.set(self.engine.segments, [{"page": BASE >> PAGE_BITS, "size": size, "allowed": allowed}] * 4)
            ctx.set(self.engine.tokens.available, 1)
            for cycle in range(limit):
                await clock(ctx, agents)
                working = ctx.get(self.engine.working)
                if working and len(self.starts) == len(self.gives):
                    self.starts.append(cycle + 1)
                if ctx.get(self.engine.tokens.give):
                    self.gives.append(cycle + 1)
                if len(self.gives) + len(self.errors.items) == commands:
                    break
            assert len(self.gives) + len(self.errors.items) == commands
            for _ in range(50):
                await clock(ctx, agents)
            assert self.memory.quiet
            assert ctx.get(self.engine.idle)

        simulate(self.module(), bench)

    def command(self, tensor: dict[str, int], index: int = 0) -> dict[str, int]:
        """A store of ``tensor`` to a free place; notes in ``expected`` what it must write."""
        config = self.config
        plane_bytes = tensor["rows"] * tensor["width"] * config.word_channels
        stride = -(-plane_bytes // 32) * 32 + 32 * self.rng.randrange(3)
        offset = self.free
        self.free += tensor["planes"] * stride + 32
        assert self.free <= SIZE
        for number, word in enumerate(pixel_words(config, tensor)):
            plane, pixel = divmod(number, tensor["rows"] * tensor["width"])
            at = offset + plane * stride + pixel * config.word_channels
            self.expected[at : at + config.word_channels] = self.port.words[word].to_bytes(
                config.word_channels, "little"
            )
        fields = {name: value for name, value in tensor.items() if name not in ("phased", "odd_row")}
        pixels = tensor["rows"] * tensor["width"]
        return {
            **{"index": index, "offset": offset, "plane_stride": stride, "signal_execute": 1},
            **{"pixels": pixels, **fields},
        }


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize(("chance", "ready"), [(1.0, 1.0), (0.4, 1.0), (1.0, 0.4), (0.6, 0.6)])
def test_memory_has_the_tensors_and_nothing_else_changed(name, chance, ready):
    bench = Bench(CONFIGS[name], 1, chance=chance, ready=ready)
    for index in range(10):
        tensor = random_tensor(bench.config, bench.rng, phased=False)
        bench.commands.items.append(bench.command(tensor, index))
    bench.run(10)
    assert bench.memory.data == bench.expected


def tensor_of(config: CoreConfig, planes: int, rows: int, width: int) -> dict[str, int]:
    ring = -(-rows * width // config.cols)
    return {
        "planes": planes,
        "rows": rows,
        "width": width,
        "pitch": width,
        "ring": ring,
        "plane": ring,
        "start": 0,
        "base": 0,
    }


@pytest.mark.parametrize("name", CONFIGS)
def test_timing_and_full_rate(name):
    bench = Bench(CONFIGS[name], 3)
    bench.memory.traffic.latency = 9
    for index in range(2):
        bench.commands.items.append(
            bench.command(tensor_of(bench.config, 2, 10, 4 * bench.config.cols), index)
        )
    bench.run(2)
    beats = bench.memory.write_beats
    half = len(beats) // 2
    assert {b - a for a, b in pairwise(beats[:half])} == {1}
    begin = bench.starts[0] - 1
    assert bench.memory.write_log[0][0] == begin + 7
    assert bench.port.cycles[0] == begin + STORE_READ
    assert beats[0] == bench.port.cycles[0] + READ_LATENCY + STORE_SEND
    answered = beats[half - 1] + 9
    assert bench.gives[0] == answered + 2
    assert bench.starts[1] == bench.gives[0] + HEAD_INTERVAL + 1


@pytest.mark.parametrize(
    ("change", "size", "allowed", "code"),
    [
        ({}, SIZE, 0, ErrorCode.ADDRESS),
        ({}, 800, 1, ErrorCode.ADDRESS),
        ({"offset": 4}, SIZE, 1, ErrorCode.ADDRESS),
        ({"plane_stride": 12}, SIZE, 1, ErrorCode.ADDRESS),
        ({"failing": 0}, SIZE, 1, ErrorCode.BUS_WRITE),
        ({"failing": 2}, SIZE, 1, ErrorCode.BUS_WRITE),
    ],
)
def test_an_error_stops_the_engine_when_all_bursts_are_answered(change, size, allowed, code):
    bench = Bench(CONFIGS["tiny"], 4, chance=0.5)
    change = dict(change)
    bench.memory.traffic.failing_writes = {change.pop("failing", 1000)}
    for index in (5, 6):
        command = bench.command(tensor_of(bench.config, 3, 5, 7), index)
        bench.commands.items.append({**command, **change})
    bench.run(1, size=size, allowed=allowed)
    assert bench.errors.items == [{"code": code, "index": 5}]
    assert not bench.gives
    assert bench.memory.data[size:] == b"\x5a" * (SIZE - size)

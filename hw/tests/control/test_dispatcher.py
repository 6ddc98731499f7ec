"""Dispatcher: commands reach their engines whole and in order, and it stops where it must."""

from itertools import pairwise
from random import Random
from typing import Any

import pytest
from amaranth.hdl import Module
from amaranth.lib import wiring

from crisp_hw.bus.stream_queue import StreamQueue
from crisp_hw.control.dispatcher import Dispatcher
from crisp_hw.control.engine_commands import COMMAND_LAYOUTS
from crisp_spec.commands import Command, Opcode
from crisp_spec.dma_latencies import dispatch_interval
from crisp_spec.error_codes import ErrorCode
from hw.tests.accelerator_host import execute
from hw.tests.agents import Sink, Source, clock
from hw.tests.engines.tensors import CONFIGS, random_tensor
from hw.tests.simulate import simulate

ENGINES = ("load", "execute", "store")
END = Command(Opcode.END, {})


class Bench:
    """A dispatcher that is fed with commands, each beat offered and each command taken with some chance."""

    def __init__(self, name: str, commands: list[bytes], *, offered: float = 1.0, taken: float = 1.0):
        self.config, self.rng = CONFIGS[name], Random(name)
        self.dut = dut = Dispatcher(self.config)
        step = self.config.bus_bits // 8
        data = b"".join(commands)
        words = [int.from_bytes(data[at : at + step], "little") for at in range(0, len(data), step)]
        self.source = Source(
            dut.program.beats, [{"data": word, "error": 0} for word in words], rng=self.rng, chance=offered
        )
        self.queues = {name: StreamQueue(COMMAND_LAYOUTS[name], 2, registered=False) for name in ENGINES}
        self.sinks = {name: Sink(queue.o, rng=self.rng, chance=taken) for name, queue in self.queues.items()}
        self.errors = Sink(dut.error, rng=self.rng)
        self.limit, self.complete = len(commands), 1
        self.ended = self.index = 0

    def run(self, stop_at: int | None = None) -> None:
        agents = [self.source, *self.sinks.values(), self.errors]

        async def bench(ctx):
            dut = self.dut
            ctx.set(dut.launch, 1)
            ctx.set(dut.program.limit, self.limit)
            ctx.set(dut.program.complete, self.complete)
            await ctx.tick()
            ctx.set(dut.launch, 0)
            ctx.set(dut.program.limited, 1)
            for cycle in range(6000):
                await clock(ctx, agents)
                if cycle == stop_at:
                    ctx.set(dut.stop.valid, 1)
                if ctx.get(dut.program.halted):
                    break
            assert ctx.get(dut.program.halted)
            for _ in range(200):  # what is in the queues
                await clock(ctx, agents)
            self.ended, self.index = ctx.get(dut.ended), ctx.get(dut.index)

        simulate(self.module(), bench)

    def module(self) -> Module:
        m = Module()
        m.submodules.dut = self.dut
        for name, queue in self.queues.items():
            m.submodules[name] = queue
            wiring.connect(m, getattr(self.dut, name), queue.i)
        return m


def random_command(config, rng: Random) -> Command:
    opcode = rng.choice([*Opcode][:-1])
    if opcode is Opcode.EXECUTE:
        return execute(config, pixel_tiles=rng.randint(1, 1000), x_zero_point=rng.randint(-128, 127))
    if opcode in (Opcode.LOAD, Opcode.STORE):
        tensor = random_tensor(config, rng, phased=False)
        del tensor["phased"], tensor["odd_row"]
        return Command(opcode, {**tensor, "offset": rng.randrange(1 << 32)})
    return Command(opcode, {})


def expected_item(index: int, command: Command, item: dict[str, Any]) -> dict[str, int]:
    """What an engine must receive: the fields of its full command, which a SYNC leaves 0."""
    sync = command.opcode not in (Opcode.LOAD, Opcode.EXECUTE, Opcode.STORE)
    special = {"index": index, "sync": int(sync)}
    if "pixels" in item:
        special["pixels"] = command.fields.get("rows", 0) * command.fields.get("width", 0)
    return {name: special[name] if name in special else command[name] for name in item}


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize(("offered", "taken"), [(1.0, 1.0), (0.5, 0.1)])
def test_commands_reach_their_engines_in_order(name, offered, taken):
    config, rng = CONFIGS[name], Random(1)
    commands = [random_command(config, rng) for _ in range(30)]
    encoded = [command.encode() for command in [*commands, END]]
    bench = Bench(name, encoded, offered=offered, taken=taken)
    bench.run()
    assert bench.ended
    assert not bench.errors.items
    for engine, sink in bench.sinks.items():
        mine = [(index, command) for index, command in enumerate(commands) if command.engine == engine]
        assert len(sink.items) == len(mine)
        for item, (index, command) in zip(sink.items, mine, strict=True):
            assert item == expected_item(index, command, item)


@pytest.mark.parametrize("name", CONFIGS)
def test_commands_come_at_the_declared_interval(name):
    bench = Bench(name, [Command(Opcode.LOAD_SYNC, {}).encode()] * 5 + [END.encode()])
    bench.run()
    cycles = bench.sinks["load"].cycles
    assert [b - a for a, b in pairwise(cycles)] == [dispatch_interval(bench.config)] * 4


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (bytes(64), ErrorCode.ILLEGAL_COMMAND),
        (Command(Opcode.STORE_SYNC, {"wait_execute": 1}).encode(), ErrorCode.TOKEN_MISUSE),
    ],
)
def test_a_wrong_command_ends_dispatch(bad, code):
    good = Command(Opcode.EXECUTE_SYNC, {}).encode()
    bench = Bench("tiny", [good, good, bad, good, END.encode()])
    bench.run()
    assert bench.errors.items == [{"code": code, "index": 2}]
    assert not bench.ended
    assert len(bench.sinks["execute"].items) == 2


@pytest.mark.parametrize("beat", range(8))
def test_an_error_in_any_beat_of_a_command_is_its_error(beat):
    good = Command(Opcode.EXECUTE_SYNC, {}).encode()
    bench = Bench("tiny", [good, good, END.encode()])
    bench.source.items[8 + beat]["error"] = 1
    bench.run()
    assert bench.errors.items == [{"code": ErrorCode.BUS_FETCH, "index": 1}]


@pytest.mark.parametrize(("complete", "code"), [(1, ErrorCode.ILLEGAL_COMMAND), (0, ErrorCode.BUS_FETCH)])
def test_a_program_without_end(complete, code):
    bench = Bench("tiny", [Command(Opcode.EXECUTE_SYNC, {}).encode()] * 3)
    bench.complete = complete
    bench.run()
    assert bench.errors.items == [{"code": code, "index": 3}]


def test_it_stops_when_an_engine_has_met_an_error():
    bench = Bench("tiny", [Command(Opcode.EXECUTE_SYNC, {}).encode()] * 30)
    bench.run(stop_at=100)
    assert not bench.errors.items
    assert 5 < bench.index < 9

"""The accelerator keeps to the cycles of ``crisp_spec.dma_latencies``."""

from itertools import pairwise
from typing import Any

import pytest

from crisp_spec import dma_latencies as timing
from crisp_spec.commands import Command, Memory, Opcode
from hw.tests.accelerator_host import BASE, PROGRAM, Host, execute
from hw.tests.engines.tensors import CONFIGS

LATENCY = 10


class Probe:
    """Remembers in which cycles of the program signals are high."""

    def __init__(self, host: Host, **signals: Any):
        self.host, self.signals = host, signals
        self.cycles: dict[str, list[int]] = {name: [] for name in signals}
        self.cycle = -1

    def set_ports(self, ctx: Any) -> None:
        pass

    def observe(self, ctx: Any) -> None:
        if ctx.get(self.host.dut.control.launch):
            self.cycle = 0
            self.host.memory.cycle = 0
        elif self.cycle >= 0:
            self.cycle += 1
        for name, signal in self.signals.items():
            if self.cycle >= 0 and ctx.get(signal):
                self.cycles[name].append(self.cycle)


def tensor(config, rows: int, width: int) -> dict[str, int]:
    ring = -(-rows * width // config.cols)
    return {"planes": 2, "rows": rows, "width": width, "pitch": width, "plane": ring, "ring": ring}


@pytest.mark.parametrize("name", CONFIGS)
def test_dispatch_and_transfers_take_the_declared_cycles(name):
    config = CONFIGS[name]
    host = Host(config)
    host.memory.traffic.latency = LATENCY
    dut = host.dut
    probe = Probe(
        host,
        load=dut.load.tokens.give[0],
        execute=dut.execute.tokens.give[1],
        store=dut.store.tokens.give[0],
        busy=host.core.busy,
        write=host.core.fill.en,
        read=host.core.read.valid,
        handed_load=dut.dispatcher.load.valid,
        handed_execute=dut.dispatcher.execute.valid,
        handed_store=dut.dispatcher.store.valid,
        ended=dut.dispatcher.ended,
    )
    host.agents.insert(0, probe)
    shape = {**tensor(config, 4, 3 * config.cols), "plane_stride": 0x1000}
    program = [
        Command(Opcode.LOAD, {"memory": Memory.SMEM, "signal_execute": 1, **shape}),
        execute(config, wait_load=1, signal_store=1, pixel_tiles=200),
        Command(
            Opcode.STORE, {"segment": 1, "wait_execute": 1, "signal_execute": 1, "offset": 0x4000, **shape}
        ),
        Command(Opcode.END, {}),
    ]

    async def bench():
        await host.set_up(program)
        await host.start()
        await host.wait()
        check(host, probe, (await host.counters())["total"])

    host.simulate(bench)


def check(host: Host, probe: Probe, total: int) -> None:
    config, memory, seen = host.config, host.memory, probe.cycles
    command_beats = 512 // config.bus_bits
    fetch, *loads = memory.read_log
    assert fetch == (timing.FETCH_START, BASE + PROGRAM, 4 * command_beats)
    beats = memory.read_beats
    assert beats[0] == timing.FETCH_START + LATENCY
    # The dispatcher takes a beat after another while it fills.
    first = beats[command_beats - 1] + timing.FETCH_LATENCY + timing.CHECK_CYCLES + 1
    interval = timing.dispatch_interval(config)
    handed = [seen[name] for name in ("handed_load", "handed_execute", "handed_store")]
    assert handed == [[first + 1], [first + 1 + interval], [first + 1 + 2 * interval]]
    begin = first + timing.QUEUE_LATENCY
    assert loads[0][0] == begin + timing.TRANSFER_START
    data = beats[4 * command_beats :]
    assert seen["write"] == [cycle + timing.LOAD_WRITE for cycle in data]
    planes = len(loads) // 2
    starts = [cycle for cycle, _, _ in loads]
    assert starts[planes] == starts[planes - 1] + timing.PLANE_INTERVAL
    assert all(b - a == timing.BURST_INTERVAL for a, b in pairwise(starts[:planes]))
    assert seen["load"] == [data[-1] + timing.LOAD_END]
    assert seen["busy"][0] == seen["load"][0] + 1 + timing.EXECUTE_START
    assert seen["execute"] == [seen["busy"][-1] + 1]
    begin = seen["execute"][0] + 1
    assert memory.write_log[0][0] == begin + timing.TRANSFER_START
    assert seen["read"][0] == begin + timing.STORE_READ
    assert memory.write_beats[0] == seen["read"][0] + host.core.read_latency + timing.STORE_SEND
    assert seen["store"] == [memory.write_beats[-1] + LATENCY + timing.STORE_END]
    assert total == seen["store"][0] + timing.PROGRAM_END + 1


def test_a_full_queue_takes_the_next_command_when_one_has_left_its_head():
    config, host = CONFIGS["tiny"], Host(CONFIGS["tiny"])
    host.memory.traffic.latency = LATENCY
    dispatched = host.dut.dispatcher.execute.valid
    probe = Probe(host, handed=dispatched, ready=host.core.job.ready)
    host.agents.insert(0, probe)

    async def bench():
        await host.set_up([execute(config, pixel_tiles=900)] * (timing.QUEUE_COMMANDS + 2))
        await host.start()
        await host.wait()
        handed, ready = probe.cycles["handed"], probe.cycles["ready"]
        left = [cycle for before, cycle in pairwise(ready) if cycle > before + 1]
        intervals = [b - a for a, b in pairwise(handed[: timing.QUEUE_COMMANDS])]
        assert intervals == [timing.dispatch_interval(config)] * (timing.QUEUE_COMMANDS - 1)
        assert handed[timing.QUEUE_COMMANDS :] == [cycle + timing.QUEUE_REFILL + 1 for cycle in left[:2]]

    host.simulate(bench)


@pytest.mark.parametrize("name", CONFIGS)
def test_commands_are_read_ahead_when_there_is_room(name):
    config, host = CONFIGS[name], Host(CONFIGS[name])
    host.memory.traffic.latency = LATENCY
    beats = host.dut.dispatcher.program.beats
    probe = Probe(host, offered=beats.valid, filling=beats.ready)
    host.agents.insert(0, probe)

    async def bench():
        await host.set_up([Command(Opcode.LOAD_SYNC, {})] * 39 + [Command(Opcode.END, {})])
        await host.start()
        await host.wait()
        taken = sorted(set(probe.cycles["offered"]) & set(probe.cycles["filling"]))
        ends = taken[512 // config.bus_bits - 1 :: 512 // config.bus_bits]
        bursts = [cycle for cycle, _, _ in host.memory.read_log]
        ahead = timing.PREFETCH_COMMANDS
        assert len(bursts) == 40 // timing.FETCH_BURST
        for number in range(ahead // timing.FETCH_BURST, len(bursts)):
            room = timing.FETCH_BURST * (number + 1) - ahead
            assert bursts[number] == ends[room - 1] + timing.REISSUE

    host.simulate(bench)


def test_an_empty_program():
    host = Host(CONFIGS["tiny"])
    host.memory.traffic.latency = LATENCY

    async def bench():
        await host.set_up([Command(Opcode.END, {})])
        await host.start()
        await host.wait()
        last = timing.FETCH_START + LATENCY + 7 + timing.FETCH_LATENCY
        handed = last + timing.CHECK_CYCLES + 1
        assert (await host.counters())["total"] == handed + timing.PROGRAM_END + 1

    host.simulate(bench)


def test_nothing_is_fetched_after_the_end():
    host = Host(CONFIGS["tiny"], chance=0.9)
    host.memory.traffic.latency = 1

    async def bench():
        for length in range(1, 20):
            await host.set_up([Command(Opcode.END, {})] * length)
            await host.start()
            await host.wait()
            fetched = len(host.memory.read_log)
            await host.write("interrupt_status", 3)
            await host.cycles(40)
            assert len(host.memory.read_log) == fetched
            assert host.memory.quiet

    host.simulate(bench)

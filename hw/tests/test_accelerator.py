"""The whole accelerator with a stand-in core: programs, tokens, errors, abort, counters."""

from typing import Any

import pytest

from crisp_hw.accelerator import SHORTEST_RESET
from crisp_spec.commands import Command, Memory, Opcode
from crisp_spec.config import PRESETS
from crisp_spec.error_codes import ErrorCode
from crisp_spec.registers import MAGIC
from hw.tests.accelerator_host import BASE, PROGRAM, SIZE, Host, execute
from hw.tests.agents import DECODE_ERROR, ERROR_RESPONSES
from hw.tests.engines.tensors import CONFIGS
from hw.tests.stand_in_core import CoreAgent

TINY = PRESETS["tiny"]
END = Command(Opcode.END, {})
DONE = {"busy": 0, "done": 1, "resetting": 0, "error": 0, "index": 0}


def tensor(config, **values) -> dict[str, int]:
    """Two planes of 3 x 5 pixels."""
    ring = -(-15 // config.cols)
    place = {
        "planes": 2,
        "rows": 3,
        "width": 5,
        "pitch": 5,
        "base": 3,
        "plane": ring,
        "ring": ring,
        "start": 0,
    }
    return {**place, "plane_stride": 16 * config.word_channels, **values}


def load(config, **values) -> Command:
    return Command(Opcode.LOAD, {"memory": Memory.SMEM, "segment": 0, **tensor(config), **values})


def store(config, **values) -> Command:
    return Command(Opcode.STORE, {"segment": 1, **tensor(config), **values})


def copy(config) -> list[Command]:
    """Load a tensor, run a job, store the tensor at 0x4000, with the tokens between them."""
    return [
        load(config, signal_execute=1),
        execute(config, wait_load=1, signal_store=1),
        store(config, wait_execute=1, offset=0x4000),
        END,
    ]


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize(("chance", "ready"), [(1.0, 1.0), (0.4, 0.5)])
def test_a_program_copies_a_tensor(name, chance, ready):
    config = CONFIGS[name]
    host = Host(config, chance=chance, ready=ready)

    async def bench():
        await host.set_up(copy(config))
        before = bytes(host.memory.data)
        await host.start()
        await host.wait()
        assert await host.status() == DONE
        plane = 15 * config.word_channels
        expected = bytearray(before)
        for number in range(2):
            source = number * 16 * config.word_channels
            expected[0x4000 + source : 0x4000 + source + plane] = before[source : source + plane]
        assert host.memory.data == expected
        assert host.memory.quiet
        counters = await host.counters()
        assert counters["compute"] == 50
        beats = 30 * config.word_bits // config.bus_bits
        assert (counters["read_beats"], counters["write_beats"]) == (beats, beats)
        assert counters["fetch_beats"] == 4 * 512 // config.bus_bits
        assert counters["wait_load"] > 0
        assert counters["store_wait"] > 50

    host.simulate(bench)


def test_identification_shape_and_unknown_addresses():
    host = Host(TINY)

    async def bench():
        assert await host.read("id") == MAGIC
        assert await host.read("shape_rows") == TINY.rows
        assert await host.read("shape_tap_words") == TINY.tap_words
        await host.write("watchdog", 0x12345678)
        await host.write("watchdog", 0xAABBCCDD, strobes=0b0110)
        assert await host.read("watchdog") == 0x12BBCC78
        assert await host.write("nothing", 1) == 2
        assert await host.write("id", 1) == 0
        assert await host.read("id") == MAGIC

    host.simulate(bench)


def test_interrupts_are_cleared_by_writing_ones():
    host = Host(TINY)

    async def bench():
        await host.set_up([END])
        await host.start()
        await host.wait()
        assert await host.read("interrupt_status") == 1
        await host.write("interrupt_status", 2)
        assert host.ctx.get(host.dut.interrupt)
        await host.write("interrupt_status", 1)
        await host.cycles(2)
        assert not host.ctx.get(host.dut.interrupt)
        await host.write("interrupt_enable", 0)
        await host.start()
        await host.cycles(200)
        assert await host.status() == DONE
        assert not host.ctx.get(host.dut.interrupt)
        assert await host.read("interrupt_status") == 1

    host.simulate(bench)


def test_a_load_waits_for_the_store_whose_tensor_it_reads_back():
    host = Host(TINY)
    stored, copied = 0x4000, 0x6000

    async def bench():
        store_first = store(TINY, wait_execute=1, signal_load=1, offset=stored)
        read_back = load(TINY, wait_store=1, signal_execute=1, offset=stored, base=40)
        store_copy = store(TINY, wait_execute=1, offset=copied, base=40)
        relay = Command(Opcode.EXECUTE_SYNC, {"wait_load": 1, "signal_store": 1})
        await host.set_up([*copy(TINY)[:2], store_first, read_back, relay, store_copy, END])
        await host.start()
        await host.wait()
        assert await host.status() == DONE
        assert (await host.counters())["load_wait"] > 50
        plane = 15 * TINY.word_channels
        for start in (0, 16 * TINY.word_channels):
            source = host.memory.data[start : start + plane]
            assert host.memory.data[copied + start : copied + start + plane] == source

    host.simulate(bench)


def error_cases():
    return [
        (load(TINY, rows=0), ErrorCode.ILLEGAL_COMMAND),
        (load(TINY, memory=7), ErrorCode.ILLEGAL_COMMAND),
        (load(TINY, memory=Memory.TAP), ErrorCode.ILLEGAL_COMMAND),
        (store(TINY, start=1000), ErrorCode.ILLEGAL_COMMAND),
        (execute(TINY, n=5), ErrorCode.ILLEGAL_COMMAND),
        (execute(TINY, slot_full=3), ErrorCode.ILLEGAL_COMMAND),
        (execute(TINY, depth_full=5), ErrorCode.ILLEGAL_COMMAND),
        (bytes(64), ErrorCode.ILLEGAL_COMMAND),
        (END.encode()[:-1] + b"\x80", ErrorCode.ILLEGAL_COMMAND),
        (load(TINY, wait_execute=1), ErrorCode.TOKEN_MISUSE),
        (load(TINY, wait_store=1), ErrorCode.TOKEN_MISUSE),
        (execute(TINY, wait_store=1), ErrorCode.TOKEN_MISUSE),
        (load(TINY, segment=1), ErrorCode.ADDRESS),
        (load(TINY, segment=2), ErrorCode.ADDRESS),
        (store(TINY, segment=0), ErrorCode.ADDRESS),
        (load(TINY, offset=SIZE - 128), ErrorCode.ADDRESS),
        (store(TINY, offset=4), ErrorCode.ADDRESS),
    ]


@pytest.mark.parametrize(("command", "code"), error_cases())
def test_the_first_error_in_program_order_is_reported(command, code):
    host = Host(TINY, chance=0.7)

    async def bench():
        late = load(TINY, rows=0)
        await host.set_up([*copy(TINY)[:3], execute(TINY, pixel_tiles=90), command, late, END])
        await host.start()
        await host.wait()
        assert await host.status() == {"busy": 0, "done": 0, "resetting": 0, "error": code, "index": 4}
        assert len(host.core_agent.jobs) == 2
        assert await host.read("interrupt_status") == 2
        assert host.memory.quiet
        await host.counters()
        await host.write("interrupt_status", 3)
        await host.set_up(copy(TINY))
        await host.start()
        await host.wait()
        assert await host.status() == DONE
        await host.counters()

    host.simulate(bench)


def test_bits_of_a_base_below_a_page_do_not_count():
    host = Host(TINY)

    async def bench():
        await host.set_up(copy(TINY))
        for segment in (0, 1):
            await host.write(f"segment_{segment}_base_low", BASE & 0xFFFF_FFFF | 0xFFF)
            assert await host.read(f"segment_{segment}_base_low") == BASE & 0xFFFF_FFFF
        await host.start()
        await host.wait()
        assert await host.status() == DONE
        assert host.memory.data[0x4000:0x4078] == host.memory.data[0:0x78]

    host.simulate(bench)


@pytest.mark.parametrize(
    "command",
    [
        load(TINY, offset=SIZE, planes=1),
        load(TINY, offset=SIZE - 64, planes=1),
        store(TINY, offset=SIZE, planes=1),
        store(TINY, offset=SIZE - 64, planes=1),
    ],
)
def test_a_segment_ends_where_the_address_space_does(command):
    host = Host(TINY, base=(1 << 64) - SIZE)

    async def bench():
        await host.set_up([*copy(TINY)[:3], command, END])
        for segment in (0, 1):
            await host.write(f"segment_{segment}_size", 2 * SIZE)
        await host.start()
        await host.wait()
        status = {"busy": 0, "done": 0, "resetting": 0, "error": ErrorCode.ADDRESS, "index": 3}
        assert await host.status() == status

    host.simulate(bench)


@pytest.mark.parametrize("response", ERROR_RESPONSES)
@pytest.mark.parametrize(
    ("reads", "writes", "code", "index"),
    [
        ({2}, set(), ErrorCode.BUS_READ, 0),
        (set(), {0}, ErrorCode.BUS_WRITE, 2),
        (set(), {1}, ErrorCode.BUS_WRITE, 2),
    ],
)
def test_bus_errors(reads, writes, code, index, response):
    host = Host(TINY)

    async def bench():
        await host.set_up(copy(TINY))
        host.memory.traffic.failing_reads = reads
        host.memory.traffic.failing_writes = writes
        host.memory.traffic.error = response
        await host.start()
        await host.wait()
        assert await host.status() == {"busy": 0, "done": 0, "resetting": 0, "error": code, "index": index}
        assert host.memory.quiet
        await host.counters()

    host.simulate(bench)


@pytest.mark.parametrize(
    ("length", "size", "failing", "code", "index"),
    [
        (3, SIZE, set(), ErrorCode.ILLEGAL_COMMAND, 3),
        (0, SIZE, set(), ErrorCode.ILLEGAL_COMMAND, 0),
        (20, PROGRAM + 3 * 64, set(), ErrorCode.BUS_FETCH, 3),
        (20, PROGRAM, set(), ErrorCode.BUS_FETCH, 0),
        (20, PROGRAM - 64, set(), ErrorCode.BUS_FETCH, 0),
        (3, PROGRAM + 130, set(), ErrorCode.BUS_FETCH, 2),
        (20, SIZE, {0}, ErrorCode.BUS_FETCH, 0),
        (20, SIZE, {1}, ErrorCode.BUS_FETCH, 4),
    ],
)
def test_fetch_errors(length, size, failing, code, index):
    host = Host(TINY)

    async def bench():
        await host.set_up([execute(TINY)] * 12 + [END], length)
        await host.write("segment_0_size", size)
        host.memory.traffic.failing_reads, host.memory.traffic.error = failing, DECODE_ERROR
        await host.start()
        await host.wait()
        assert await host.status() == {"busy": 0, "done": 0, "resetting": 0, "error": code, "index": index}
        assert len(host.core_agent.jobs) == index
        await host.counters()

    host.simulate(bench)


def test_long_programs_wait_for_the_queues():
    host = Host(TINY, 3, chance=0.6)

    async def bench():
        await host.set_up([execute(TINY, pixel_tiles=20 + i) for i in range(40)] + [END])
        await host.start()
        await host.wait()
        assert await host.status() == DONE
        assert [job["pixel_tiles"] for job in host.core_agent.jobs] == list(range(20, 60))
        counters = await host.counters()
        # The engine needs four cycles for the next start; the rest of the overlap is won.
        assert counters["compute"] == sum(range(20, 60)) - 39 * (CoreAgent.OVERLAP - 4)

    host.simulate(bench)


def test_the_watchdog_stops_a_job_that_hangs():
    host = Host(TINY)

    async def bench():
        hanging = execute(TINY, pixel_tiles=60000)
        await host.set_up([execute(TINY), load(TINY), hanging, store(TINY, offset=0x4000), END])
        await host.write("watchdog", 900)
        await host.start()
        await host.wait()
        status = {"busy": 0, "done": 0, "resetting": 0, "error": ErrorCode.WATCHDOG, "index": 2}
        assert await host.status() == status
        counters = await host.counters()
        assert 900 <= counters["total"] <= 903
        await host.write("interrupt_status", 3)
        await host.set_up(copy(TINY))
        await host.start()
        await host.wait()
        assert await host.status() == DONE

    host.simulate(bench)


@pytest.mark.parametrize("seed", range(12))
def test_soft_reset_in_the_middle_of_anything(seed):
    host = Host(TINY, seed, chance=0.5, ready=0.6)

    async def bench():
        await host.set_up([*copy(TINY)[:3], *copy(TINY)])
        await host.start()
        await host.cycles(host.rng.randrange(700))
        await host.write("control", 2)
        for _ in range(2000):
            word = await host.read("status")
            if not word & 0b101:
                break
        assert await host.status() == {**DONE, "done": 0}
        assert host.memory.quiet
        await host.write("interrupt_status", 3)
        before = bytes(host.memory.data)
        await host.set_up(copy(TINY))
        await host.start()
        await host.wait()
        assert await host.status() == DONE
        assert host.memory.data[0x4000:0x4078] == before[0:0x78]
        await host.counters()

    host.simulate(bench)


def offering_channels(dut: Any) -> dict[str, Any]:
    """The channels on which the accelerator is the one that offers."""
    axi, lite = dut.m_axi, dut.s_axil
    return {"m_axi.ar": axi.ar, "m_axi.aw": axi.aw, "m_axi.w": axi.w, "s_axil.b": lite.b, "s_axil.r": lite.r}


@pytest.mark.parametrize("channel", ["m_axi.ar", "m_axi.aw", "m_axi.w", "s_axil.b", "s_axil.r"])
def test_nothing_is_offered_from_the_first_cycle_of_a_reset_on(channel):
    host = Host(TINY, chance=0.2)
    lite = host.dut.s_axil

    def offered() -> list[str]:
        return [name for name, port in offering_channels(host.dut).items() if host.ctx.get(port.valid)]

    async def bench():
        await host.set_up(copy(TINY))
        await host.start()
        for port in (lite.b, lite.r):
            host.ctx.set(port.ready, 0)
        for port in (lite.aw, lite.w, lite.ar):
            host.ctx.set(port.valid, 1)
        for _ in range(3000):
            if channel in offered():
                break
            await host.cycles(1)
        assert channel in offered()
        for port in (lite.aw, lite.w, lite.ar):
            host.ctx.set(port.valid, 0)
        for level in (1,) * SHORTEST_RESET + (0,) * 8:
            host.ctx.set(host.reset, level)
            assert not offered()
            await host.ctx.tick()

    host.simulate(bench)

"""Register file: every register by its declaration, on all handshake patterns."""

from random import Random
from typing import Any

import pytest
from amaranth.hdl import Value

from crisp_hw.control.register_file import RegisterFile
from crisp_spec.config import PRESETS
from crisp_spec.registers import MAGIC, VERSION, register_map
from hw.tests.simulate import drive, simulate

CONFIG = PRESETS["edge"]
BY_NAME = {register.name: register for register in register_map()}


class LiteMaster:
    """Accesses registers, each channel moving with ``chance`` in a cycle."""

    def __init__(self, ctx: Any, dut: RegisterFile, rng: Random, chance: float):
        self.ctx, self.dut, self.rng, self.chance = ctx, dut, rng, chance

    async def write(self, offset: int, value: int, strobes: int = 15) -> int:
        """Return the response."""
        bus, ctx = self.dut.bus, self.ctx
        drive(ctx, bus.aw, {"addr": offset})
        drive(ctx, bus.w, {"data": value, "strb": strobes})
        channels = {"aw": bus.aw, "w": bus.w, "b": bus.b}
        pending = set(channels)
        response = 0
        while pending:
            moves = {name for name in channels if name in pending and self.rng.random() < self.chance}
            ctx.set(bus.aw.valid, "aw" in moves)
            ctx.set(bus.w.valid, "w" in moves)
            ctx.set(bus.b.ready, "b" in moves)
            done = {name for name in moves - {"b"} if ctx.get(channels[name].ready)}
            if "b" in moves and ctx.get(bus.b.valid):
                assert pending == {"b"}
                response = ctx.get(bus.b.resp)
                done.add("b")
            await ctx.tick()
            pending -= done
        for signal in (bus.aw.valid, bus.w.valid, bus.b.ready):
            ctx.set(signal, 0)
        return response

    async def read(self, offset: int) -> tuple[int, int]:
        """Return data and response."""
        bus, ctx = self.dut.bus, self.ctx
        drive(ctx, bus.ar, {"addr": offset, "valid": 1})
        while not ctx.get(bus.ar.ready):
            await ctx.tick()
        await ctx.tick()
        ctx.set(bus.ar.valid, 0)
        while True:
            ready = self.rng.random() < self.chance
            ctx.set(bus.r.ready, ready)
            if ready and ctx.get(bus.r.valid):
                break
            await ctx.tick()
        result = ctx.get(bus.r.data), ctx.get(bus.r.resp)
        await ctx.tick()
        ctx.set(bus.r.ready, 0)
        return result


def run(bench: Any, *, seed: int = 1, chance: float = 1.0) -> None:
    dut, rng = RegisterFile(CONFIG), Random(seed)

    async def wrapped(ctx):
        await bench(LiteMaster(ctx, dut, rng, chance), dut, rng)

    simulate(dut, wrapped)


def mask(name: str) -> int:
    return BY_NAME[name].mask


@pytest.mark.parametrize("chance", [1.0, 0.3])
def test_writable_registers_keep_their_bytes(chance):
    async def bench(master, dut, rng):
        values = {name: 0 for name, register in BY_NAME.items() if register.access == "rw"}
        for _ in range(120):
            name = rng.choice(list(values))
            value, strobes = rng.randrange(1 << 32), rng.randrange(16)
            assert await master.write(BY_NAME[name].offset, value, strobes) == 0
            bits = sum(0xFF << 8 * lane for lane in range(4) if strobes >> lane & 1)
            values[name] = (value & bits | values[name] & ~bits) & mask(name)
        for name, value in values.items():
            assert await master.read(BY_NAME[name].offset) == (value, 0)
            assert master.ctx.get(Value.cast(getattr(dut, name))) == value

    run(bench, chance=chance)


def test_segments_begin_at_multiples_of_4096():
    async def bench(master, dut, rng):
        for number in range(4):
            register = BY_NAME[f"segment_{number}_base_low"]
            assert await master.write(register.offset, 0xFFFF_FFFF) == 0
            assert await master.read(register.offset) == (0xFFFF_F000, 0)
            assert master.ctx.get(Value.cast(getattr(dut, register.name))) == 0xFFFF_F000

    run(bench)


def test_read_only_registers_show_their_inputs_and_constants():
    async def bench(master, dut, rng):
        for name, register in BY_NAME.items():
            if register.access != "ro":
                continue
            if name.startswith("shape_"):
                expected = getattr(CONFIG, name.removeprefix("shape_"))
            elif name in ("id", "version"):
                expected = {"id": MAGIC, "version": VERSION}[name]
            else:
                expected = rng.randrange(1 << 32) & mask(name)
                master.ctx.set(Value.cast(getattr(dut, name)), expected)
            assert await master.write(register.offset, 0) == 0
            assert await master.read(register.offset) == (expected, 0), name

    run(bench)


def test_write_only_fields_are_strobes():
    async def bench(master, dut, rng):
        await master.write(BY_NAME["control"].offset, 1)
        seen = 0
        ctx, bus = master.ctx, dut.bus
        drive(ctx, bus.aw, {"addr": BY_NAME["control"].offset, "valid": 1})
        drive(ctx, bus.w, {"data": 3, "strb": 15, "valid": 1})
        ctx.set(bus.b.ready, 1)
        for cycle in range(8):
            await ctx.tick()
            ctx.set(bus.aw.valid, 0)
            ctx.set(bus.w.valid, 0)
            value = master.ctx.get(Value.cast(dut.control))
            assert value == (3 if cycle == 1 else 0)
            seen += value
        assert seen == 3
        assert await master.read(BY_NAME["control"].offset) == (0, 0)

    run(bench)


def test_ones_clear_pending_interrupts_and_setting_goes_first():
    async def bench(master, dut, rng):
        offset = BY_NAME["interrupt_status"].offset
        master.ctx.set(Value.cast(dut.interrupt_status_set), 3)
        await master.ctx.tick()
        master.ctx.set(Value.cast(dut.interrupt_status_set), 0)
        await master.write(offset, 2)
        assert await master.read(offset) == (1, 0)
        master.ctx.set(Value.cast(dut.interrupt_status_set), 1)
        await master.write(offset, 3)
        assert await master.read(offset) == (1, 0)

    run(bench)


def test_addresses_without_register_answer_with_an_error():
    async def bench(master, dut, rng):
        taken = {register.offset for register in BY_NAME.values()}
        for offset in (*range(0, 0x160, 4), 0xFFC):
            if offset not in taken:
                assert (await master.read(offset))[1] == 2, hex(offset)
                assert await master.write(offset, 1) == 2, hex(offset)

    run(bench)

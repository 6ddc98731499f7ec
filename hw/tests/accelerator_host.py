"""Host of the accelerator in Amaranth's simulator: registers, external memory, programs."""

from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from amaranth.hdl import Signal

from crisp_hw.accelerator import CrispStc
from crisp_sim.accelerator.program_host import REGISTERS, START, ProgramHost, program_bytes
from crisp_spec.commands import COMMAND_BYTES, Command, Opcode
from crisp_spec.config import CoreConfig
from hw.tests.agents import Agent, AxiMemory, AxiTraffic, clock
from hw.tests.simulate import drive, simulate
from hw.tests.stand_in_core import CoreAgent, StandInCore

BASE = 0x8_0000_0000
SIZE = 1 << 16
PROGRAM = 0x8000

JOB = {
    "n": 1,
    "row_tiles": 1,
    "pixel_tiles": 50,
    "channel_blocks": 1,
    "depth_full": 1,
    "depth_last": 1,
    "slot_full": 4,
    "slot_last": 4,
    "pitch": 1,
    "out_width": 1,
    "out_height": 1,
    "act_ring": 1,
    "out_ring": 1,
}
"""Fields of a legal EXECUTE for any configuration, besides ``load_beats``."""


def execute(config: CoreConfig, **values: int) -> Command:
    """A legal EXECUTE that takes ``pixel_tiles`` cycles on a stand-in core."""
    beats = config.load_beats
    slot = max(4, beats)
    return Command(
        Opcode.EXECUTE, {**JOB, "load_beats": beats, "slot_full": slot, "slot_last": slot, **values}
    )


class Host(ProgramHost):
    """An accelerator with a stand-in core, an external memory and a bench that talks to both.

    Segment 0 may be read, segment 1 written; both are the whole memory, and the program lies in the middle.
    """

    def __init__(
        self,
        config: CoreConfig,
        seed: int = 1,
        *,
        chance: float = 1.0,
        ready: float = 1.0,
        base: int = BASE,
    ):
        self.config, self.base, self.rng = config, base, Random(seed)
        self.core = StandInCore(config)
        self.dut = CrispStc(config, core=self.core)
        self.memory = AxiMemory(self.dut.m_axi, config.bus_bits, SIZE, rng=self.rng, base=base)
        self.memory.data[:] = self.rng.randbytes(SIZE)
        self.memory.traffic = AxiTraffic(latency=self.rng.choice([1, 9, 40]), chance=chance)
        self.core_agent = CoreAgent(self.core, rng=self.rng, ready=ready)
        self.agents: list[Agent] = [self.memory, self.core_agent]
        self.ctx: Any = None
        self.reset = Signal()

    def simulate(self, bench: Callable[[], Any]) -> None:
        """Run the coroutine ``bench``."""

        async def run(ctx: Any) -> None:
            self.ctx = ctx
            await self.cycles(1)
            await bench()

        simulate(self.dut, run, reset=self.reset)

    async def cycles(self, count: int) -> None:
        for _ in range(count):
            reset = self.ctx.get(self.dut.control.core_reset)
            await clock(self.ctx, self.agents)
            if reset:
                self.core_agent.reset()

    async def write(self, name: str, value: int, strobes: int = 15) -> int:
        """Write a register; return the response."""
        bus, ctx = self.dut.s_axil, self.ctx
        drive(ctx, bus.aw, {"addr": REGISTERS[name].offset if name in REGISTERS else 0xF00, "valid": 1})
        drive(ctx, bus.w, {"data": value, "strb": strobes, "valid": 1})
        ctx.set(bus.b.ready, 1)
        await self.cycles(1)
        for channel in (bus.aw, bus.w):
            ctx.set(channel.valid, 0)
        while not ctx.get(bus.b.valid):
            await self.cycles(1)
        response = ctx.get(bus.b.resp)
        await self.cycles(1)
        return response

    async def read(self, name: str) -> int:
        """Read a register."""
        bus, ctx = self.dut.s_axil, self.ctx
        drive(ctx, bus.ar, {"addr": REGISTERS[name].offset, "valid": 1})
        ctx.set(bus.r.ready, 1)
        await self.cycles(1)
        ctx.set(bus.ar.valid, 0)
        while not ctx.get(bus.r.valid):
            await self.cycles(1)
        assert ctx.get(bus.r.resp) == 0
        value = ctx.get(bus.r.data)
        await self.cycles(1)
        return value

    async def set_up(self, program: Sequence[Command | bytes], length: int | None = None) -> None:
        """Put a program into memory and set segments and program registers; ``length`` is in commands."""
        code = program_bytes(program)
        self.memory.data[PROGRAM : PROGRAM + len(code)] = code
        await self.set_segments(self.base, SIZE, SIZE)
        await self.set_program(PROGRAM, len(code) if length is None else COMMAND_BYTES * length)

    async def start(self) -> None:
        await self.write("control", START)

    async def wait(self, limit: int = 30000) -> None:
        """Wait for the interrupt."""
        for _ in range(limit):
            if self.ctx.get(self.dut.interrupt):
                return
            await self.cycles(1)
        raise AssertionError("no interrupt")

"""The accelerator beside other blocks of an Amaranth design, joined by ``wiring.connect``, and its ports."""

import re
from random import Random
from typing import Any

from amaranth.hdl import Array, Module, Mux, Signal
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out

from crisp_hw.accelerator import CrispStc
from crisp_hw.build.verilog import verilog_text
from crisp_hw.bus.signatures import Axi4, Axi4Lite, flat_ports
from crisp_spec.commands import Command, Memory, Opcode
from crisp_spec.config import PRESETS
from crisp_spec.registers import register_map
from hw.tests.simulate import simulate
from hw.tests.stand_in_core import StandInCore

TINY = PRESETS["tiny"]
OFFSETS = {register.name: register.offset for register in register_map()}

BASE, PROGRAM, COPY, WORDS = 0x1000, 0x800, 0x400, 512
TENSOR = {
    "planes": 1,
    "rows": 2,
    "width": 5,
    "pitch": 5,
    "base": 1,
    "plane": 5,
    "ring": 5,
    "plane_stride": 96,
}
COMMANDS = (
    Command(Opcode.LOAD, {"memory": Memory.SMEM, "signal_execute": 1, **TENSOR}),
    Command(Opcode.EXECUTE_SYNC, {"wait_load": 1, "signal_store": 1}),
    Command(Opcode.STORE, {"wait_execute": 1, "offset": COPY, **TENSOR}),
    Command(Opcode.END, {}),
)
"""A tensor goes to the activation memory and, when it is there, to another place."""

SETTINGS = {
    "segment_0_base_low": BASE,
    "segment_0_size": 8 * WORDS,
    "segment_0_permissions": 3,
    "program_offset": PROGRAM,
    "program_length": len(COMMANDS),
    "interrupt_enable": 3,
    "control": 1,
}


class SmallProcessor(wiring.Component):
    """Writes the registers in ``SETTINGS``, waits for the interrupt, and reads the status."""

    def __init__(self):
        super().__init__({"bus": Out(Axi4Lite()), "interrupt": In(1), "status": Out(32), "done": Out(1)})

    def elaborate(self, platform):
        m = Module()
        bus, step = self.bus, Signal(range(len(SETTINGS) + 1))
        addresses, values = Array(OFFSETS[name] for name in SETTINGS), Array(SETTINGS.values())
        m.d.comb += [
            bus.aw.addr.eq(addresses[step]),
            bus.w.data.eq(values[step]),
            bus.w.strb.eq(~0),
            bus.ar.addr.eq(OFFSETS["status"]),
            bus.b.ready.eq(1),
            bus.r.ready.eq(1),
        ]
        with m.FSM():
            with m.State("WRITE"):
                m.d.sync += [bus.aw.valid.eq(1), bus.w.valid.eq(1)]
                m.next = "ANSWER"
            with m.State("ANSWER"):
                m.d.sync += [
                    bus.aw.valid.eq(bus.aw.valid & ~bus.aw.ready),
                    bus.w.valid.eq(bus.w.valid & ~bus.w.ready),
                ]
                with m.If(bus.b.valid):
                    m.d.sync += step.eq(step + 1)
                    m.next = "WRITE"
                    with m.If(step == len(SETTINGS) - 1):
                        m.next = "WAIT"
            with m.State("WAIT"), m.If(self.interrupt):
                m.d.sync += bus.ar.valid.eq(1)
                m.next = "READ"
            with m.State("READ"):
                m.d.sync += bus.ar.valid.eq(bus.ar.valid & ~bus.ar.ready)
                with m.If(bus.r.valid):
                    m.d.sync += [self.status.eq(bus.r.data), self.done.eq(1)]
                    m.next = "END"
            with m.State("END"):
                pass
        return m


class SmallMemory(wiring.Component):
    """Memory behind AXI4: one burst at a time, reads before writes."""

    def __init__(self, data_bits: int, words: list[int]):
        self.data_bits = data_bits
        self.storage = memory.Memory(shape=data_bits, depth=len(words), init=words)
        super().__init__({"bus": In(Axi4(data_bits))})

    def elaborate(self, platform):
        m = Module()
        m.submodules.storage = self.storage
        read, write = self.storage.read_port(domain="comb"), self.storage.write_port()
        bus, left, shift = self.bus, Signal(8), (self.data_bits // 8).bit_length() - 1
        m.d.comb += [
            write.addr.eq(read.addr),
            write.data.eq(bus.w.data),
            bus.r.data.eq(read.data),
            bus.r.last.eq(left == 0),
        ]
        place = Signal.like(read.addr)
        m.d.comb += read.addr.eq(place)
        with m.FSM():
            with m.State("IDLE"):
                reads = bus.ar.valid
                m.d.comb += [bus.ar.ready.eq(1), bus.aw.ready.eq(~reads)]
                m.d.sync += [
                    place.eq(Mux(reads, bus.ar.addr, bus.aw.addr) >> shift),
                    left.eq(Mux(reads, bus.ar.len, bus.aw.len)),
                ]
                with m.If(bus.ar.valid):
                    m.next = "READ"
                with m.Elif(bus.aw.valid):
                    m.next = "WRITE"
            with m.State("READ"):
                m.d.comb += bus.r.valid.eq(1)
                with m.If(bus.r.ready):
                    m.d.sync += [place.eq(place + 1), left.eq(left - 1)]
                    with m.If(bus.r.last):
                        m.next = "IDLE"
            with m.State("WRITE"):
                m.d.comb += [bus.w.ready.eq(1), write.en.eq(bus.w.valid & bus.w.strb.all())]
                with m.If(bus.w.valid):
                    m.d.sync += place.eq(place + 1)
                    with m.If(bus.w.last):
                        m.next = "ANSWER"
            with m.State("ANSWER"):
                m.d.comb += bus.b.valid.eq(1)
                with m.If(bus.b.ready):
                    m.next = "IDLE"
        return m


def test_a_processor_and_a_memory_are_joined_to_it_by_connect():
    rng = Random(1)
    step = TINY.bus_bits // 8
    content = bytearray(rng.randbytes(step * WORDS))
    code = b"".join(command.encode() for command in COMMANDS)
    content[PROGRAM : PROGRAM + len(code)] = code
    words = [int.from_bytes(content[at : at + step], "little") for at in range(0, len(content), step)]
    processor, external, accelerator = SmallProcessor(), SmallMemory(TINY.bus_bits, words), CrispStc(TINY)
    m = Module()
    m.submodules.processor, m.submodules.external, m.submodules.accelerator = processor, external, accelerator
    wiring.connect(m, processor.bus, accelerator.s_axil)
    wiring.connect(m, accelerator.m_axi, external.bus)
    m.d.comb += processor.interrupt.eq(accelerator.interrupt)
    stored: list[int] = []

    async def bench(ctx: Any) -> None:
        for _ in range(1500):
            await ctx.tick()
            if ctx.get(processor.done):
                break
        assert ctx.get(processor.status) == 0b010  # done, no error
        stored.extend(ctx.get(external.storage.data[number]) for number in range(WORDS))

    simulate(m, bench)
    size = TENSOR["rows"] * TENSOR["width"] * TINY.word_bits // TINY.bus_bits
    first = COPY // step
    assert words[first : first + size] != words[:size]
    assert stored == [*words[:first], *words[:size], *words[first + size :]]


def test_the_verilog_has_exactly_the_ports_that_fpga_tools_know():
    accelerator = CrispStc(TINY, core=StandInCore(TINY))
    expected = {name: flow for name, (_, flow) in flat_ports(accelerator).items()}
    text = verilog_text(accelerator, "crisp_stc")
    body = re.search(r"^module crisp_stc\b.*?^endmodule", text, flags=re.S | re.M)
    assert body
    kinds = {"input": In, "output": Out}
    found = re.findall(r"\b(input|output)\s+(?:wire\s+|reg\s+)?(?:\[\d+:0\]\s*)?(\w+)", body[0])
    assert {name: kinds[kind] for kind, name in found} == {**expected, "clk": In, "rst": In}
    assert {"s_axil_awaddr", "s_axil_rresp", "m_axi_arlen", "m_axi_wstrb", "m_axi_bready", "interrupt"} < {
        *expected
    }

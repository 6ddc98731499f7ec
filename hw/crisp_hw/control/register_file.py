"""Registers behind AXI4-Lite, from their declaration in ``crisp_spec.registers``."""

from collections.abc import Mapping
from itertools import groupby
from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib.wiring import In, Member, Out

from crisp_hw.bus.signatures import (
    LITE_ADDRESS_BITS,
    LITE_DATA_BITS,
    RESPONSE_OKAY,
    RESPONSE_SLAVE_ERROR,
    Axi4Lite,
)
from crisp_hw.parts.field_layouts import fields_layout
from crisp_hw.parts.sharing import Shareable
from crisp_spec.config import CoreConfig
from crisp_spec.registers import MAGIC, VERSION, Register, register_map

BLOCK_BITS = 6
"""Registers of a block of 64 bytes are read through one multiplexer, blocks through another."""


def constants(config: CoreConfig) -> dict[str, int]:
    """Values of the registers that never change."""
    shape = {name.removeprefix("shape_"): name for name in _names() if name.startswith("shape_")}
    return {
        "id": MAGIC,
        "version": VERSION,
        **{register: getattr(config, field) for field, register in shape.items()},
    }


def _names() -> list[str]:
    return [register.name for register in register_map()]


def _members(registers: tuple[Register, ...], fixed: Mapping[str, int]) -> dict[str, Member]:
    """A port for each register that is not fixed; a ``w1c`` register also has the bits that set it."""
    members: dict[str, Member] = {}
    for register in registers:
        layout: Any = fields_layout(register.fields)
        if register.name not in fixed:
            members[register.name] = In(layout) if register.access == "ro" else Out(layout)
        if register.access == "w1c":
            members[f"{register.name}_set"] = In(layout)
    return members


class RegisterFile(Shareable):
    """All registers. A write is answered two cycles after address and data are there, a read after three.

    Addresses at which there is no register are answered with an error. A write to a ``ro`` register does
    nothing. Fields of ``wo`` registers are high for one cycle, reserved bits are always 0.

    Members
    -------
    bus : In(Axi4Lite).
    <register> : a struct of its fields, In for ``ro``, Out otherwise; constants have none. See ``port``.
    <register>_set : In, only for ``w1c``, bits that become 1; that goes before clearing them.
    """

    def __init__(self, config: CoreConfig):
        self.registers = register_map()
        self.fixed = constants(config)
        super().__init__({"bus": In(Axi4Lite()), **_members(self.registers, self.fixed)})

    def elaborate(self, platform):
        m = Module()
        self._read(m)
        write, address, word, strobes = self._accept_write(m)
        for register in self.registers:
            if register.access != "ro":
                here = Signal(name=f"writes_{register.name}")
                m.d.comb += here.eq(write & (address == register.offset >> 2))
                self._write(m, register, here, word, strobes)
        return m

    def port(self, register: Register) -> Any:
        """The port of a register that is not a constant, a struct of its fields."""
        return getattr(self, register.name)

    def _value(self, register: Register) -> Any:
        """What a read of the register gives."""
        if register.access == "wo":
            return Const(0, 1)
        if register.name in self.fixed:
            return Const(self.fixed[register.name], LITE_DATA_BITS)
        return Value.cast(self.port(register))

    def _write(self, m: Module, register: Register, here: Signal, word: Signal, strobes: Signal) -> None:
        value = Value.cast(self.port(register))
        mask = Signal.like(value)
        new = Signal.like(value)
        lanes: Any = Cat(strobe.replicate(8) for strobe in strobes)
        m.d.comb += [mask.eq(lanes & register.mask), new.eq(word & mask)]
        if register.access == "rw":
            with m.If(here):
                m.d.sync += value.eq(new | (value & ~mask))
        elif register.access == "wo":
            m.d.sync += value.eq(Mux(here, new, 0))
        else:
            cleared = Mux(here, new, 0)
            m.d.sync += value.eq((value & ~cleared) | Value.cast(getattr(self, f"{register.name}_set")))

    def _accept_write(self, m: Module) -> tuple[Signal, Signal, Signal, Signal]:
        """Collect address and data; the write is done one cycle after both are there."""
        address = Signal(LITE_ADDRESS_BITS - 2)
        word = Signal(LITE_DATA_BITS)
        strobes = Signal(LITE_DATA_BITS // 8)
        have_address = Signal()
        have_data = Signal()
        write = Signal()
        m.d.comb += [
            self.bus.aw.ready.eq(~have_address),
            self.bus.w.ready.eq(~have_data),
            write.eq(have_address & have_data & ~self.bus.b.valid),
        ]
        with m.If(self.bus.aw.valid & ~have_address):
            m.d.sync += [have_address.eq(1), address.eq(self.bus.aw.addr[2:])]
        with m.If(self.bus.w.valid & ~have_data):
            m.d.sync += [have_data.eq(1), word.eq(self.bus.w.data), strobes.eq(self.bus.w.strb)]
        with m.If(self.bus.b.ready):
            m.d.sync += self.bus.b.valid.eq(0)
        with m.If(write):
            m.d.sync += [
                have_address.eq(0),
                have_data.eq(0),
                self.bus.b.valid.eq(1),
                self.bus.b.resp.eq(self._response(address)),
            ]
        return write, address, word, strobes

    def _response(self, address: Signal) -> Any:
        exists = Cat(address == register.offset >> 2 for register in self.registers).any()
        return Mux(exists, RESPONSE_OKAY, RESPONSE_SLAVE_ERROR)

    def _read(self, m: Module) -> None:
        """Latch the address, choose within every block, choose a block."""
        address = Signal(LITE_ADDRESS_BITS - 2)
        blocks = [(number, list(members)) for number, members in groupby(self.registers, _block)]
        words = Signal(LITE_DATA_BITS * len(blocks))
        waits = Signal(2)
        response = Signal(2)
        m.d.comb += self.bus.ar.ready.eq(~waits.any() & ~self.bus.r.valid)
        m.d.sync += [waits.eq(waits << 1), response.eq(self._response(address))]
        with m.If(self.bus.ar.valid & self.bus.ar.ready):
            m.d.sync += [waits[0].eq(1), address.eq(self.bus.ar.addr[2:])]
        for place, (_, registers) in enumerate(blocks):
            word = words.word_select(place, LITE_DATA_BITS)
            m.d.sync += word.eq(0)
            with m.Switch(address[: BLOCK_BITS - 2]):
                for register in registers:
                    with m.Case((register.offset & (1 << BLOCK_BITS) - 1) >> 2):
                        m.d.sync += word.eq(self._value(register))
        with m.If(self.bus.r.ready):
            m.d.sync += self.bus.r.valid.eq(0)
        with m.If(waits[1]):
            m.d.sync += [self.bus.r.valid.eq(1), self.bus.r.resp.eq(response), self.bus.r.data.eq(0)]
            with m.Switch(address[BLOCK_BITS - 2 :]):
                for place, (number, _) in enumerate(blocks):
                    with m.Case(number):
                        m.d.sync += self.bus.r.data.eq(words.word_select(place, LITE_DATA_BITS))


def _block(register: Register) -> int:
    return register.offset >> BLOCK_BITS

"""Registers by name."""

import pytest

from crisp_spec.config import preset
from crisp_spec.errors import LayerError
from crisp_sw.driver.errors import DriverError
from crisp_sw.driver.registers import REGISTERS, Registers
from crisp_sw.driver.simulated_bus import SimulatedBus

TOP = 1 << 64


def registers() -> Registers:
    return Registers(SimulatedBus(preset("tiny")))


def test_fields_come_back_as_they_were_written():
    bank = registers()
    bank.write("interrupt_enable", error=1)
    assert bank.read("interrupt_enable") == {"done": 0, "error": 1}
    bank.write("watchdog", cycles=0xFFFFFFFF)
    assert bank.value("watchdog") == 0xFFFFFFFF


def test_wrong_names_and_values_are_refused():
    bank = registers()
    with pytest.raises(LayerError, match="`done` must be from 0 to 1, not 2"):
        bank.write("interrupt_enable", done=2)
    with pytest.raises(KeyError, match="no field"):
        bank.write("interrupt_enable", ready=1)


def test_a_segment_is_set_as_a_whole():
    bank = registers()
    bank.set_segment(2, 0x12_3456_7000, 100, write=True)
    assert [bank.bus.read32(0x60 + 4 * place) for place in range(4)] == [0x3456_7000, 0x12, 100, 2]


@pytest.mark.parametrize("address", [TOP - 4096, 0])
def test_a_segment_may_be_the_last_page_and_the_first(address):
    bank = registers()
    bank.set_segment(0, address, 4096, read=True)
    assert bank.read("segment_0_size") == {"bytes": 4096}


@pytest.mark.parametrize(
    ("address", "size", "message"),
    [
        (0x1004, 64, "segment 1 begins at 0x1004, expected a multiple of 4096"),
        (
            (1 << 64) - 4096,
            4097,
            "segment 1 of 4097 bytes at 0xfffffffffffff000 leaves the 64-bit address space",
        ),
        (TOP, 0, "segment 1 of 0 bytes at 0x10000000000000000 leaves the 64-bit address space"),
        (-4096, 64, "segment 1 of 64 bytes at -0x1000 leaves the 64-bit address space"),
        (0, 1 << 32, "segment 1 has 4294967296 bytes, expected from 0 to 4294967295"),
        (0, -1, "segment 1 has -1 bytes, expected from 0 to 4294967295"),
    ],
)
def test_a_segment_that_cannot_be_is_refused_before_anything_is_written(address, size, message):
    bank = registers()
    before = [bank.bus.read32(0x50 + 4 * place) for place in range(4)]
    with pytest.raises(DriverError, match=f"^{message}$"):
        bank.set_segment(1, address, size, read=True)
    assert [bank.bus.read32(0x50 + 4 * place) for place in range(4)] == before


def test_bits_of_a_base_below_a_page_are_always_0():
    bus = SimulatedBus(preset("tiny"))
    bus.write32(REGISTERS["segment_3_base_low"].offset, 0xFFFF_FFFF)
    assert bus.read32(REGISTERS["segment_3_base_low"].offset) == 0xFFFF_F000


def test_only_registers_that_exist_can_be_reached():
    bus = SimulatedBus(preset("tiny"))
    with pytest.raises(DriverError, match="no register at 0xf00"):
        bus.read32(0xF00)
    bus.write32(REGISTERS["id"].offset, 5)
    assert bus.read32(REGISTERS["id"].offset) == 0x50535243
    assert bus.read32(REGISTERS["control"].offset) == 0


def test_memory_that_was_not_allocated_cannot_be_reached():
    bus = SimulatedBus(preset("tiny"))
    address = bus.allocate(100)
    assert address % 4096 == 0
    assert bus.read_memory(address + 90, 10).tolist() == [0] * 10
    with pytest.raises(DriverError, match=r"11 bytes at 0x[0-9a-f]+ are not allocated"):
        bus.read_memory(address + 90, 11)
    bus.release(address)
    with pytest.raises(DriverError, match="not allocated"):
        bus.read_memory(address, 1)

"""Registers by name."""

import pytest

from crisp_golden.config import preset
from crisp_golden.errors import LayerError
from crisp_sw.driver.errors import DriverError
from crisp_sw.driver.registers import REGISTERS, Registers
from crisp_sw.driver.simulated_bus import SimulatedBus


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

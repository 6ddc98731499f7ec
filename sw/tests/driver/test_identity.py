"""The driver knows which accelerator it talks to."""

import pytest

from crisp_spec.config import PRESETS, preset
from crisp_sw.driver.errors import DriverError
from crisp_sw.driver.identity import check_configuration, identify
from crisp_sw.driver.registers import REGISTERS, Registers
from crisp_sw.driver.simulated_bus import SimulatedBus


class AlteredBus(SimulatedBus):
    """One register reads as something else."""

    def __init__(self, name: str, value: int):
        super().__init__(preset("tiny"))
        self.altered = REGISTERS[name].offset, value

    def read32(self, offset: int) -> int:
        return self.altered[1] if offset == self.altered[0] else super().read32(offset)


@pytest.mark.parametrize("name", PRESETS)
def test_the_shape_registers_give_the_configuration(name):
    assert identify(Registers(SimulatedBus(preset(name)))) == preset(name)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("id", 0xFFFFFFFF, "register `id` is 0xffffffff, expected 0x50535243: this is no accelerator"),
        ("version", 9, "the accelerator has version 9, expected"),
        ("shape_rows", 3, "the shape registers contradict each other: `rows` must be a positive power of 2"),
    ],
)
def test_anything_else_on_the_bus_is_refused(name, value, message):
    with pytest.raises(DriverError, match=message):
        identify(Registers(AlteredBus(name, value)))


def test_equal_configurations_pass():
    check_configuration(preset("edge"), preset("edge"))

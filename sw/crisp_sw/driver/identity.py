"""Finds out which accelerator there is, before anything is started on it."""

from dataclasses import asdict

from crisp_spec.config import CoreConfig
from crisp_spec.errors import ConfigError
from crisp_spec.registers import MAGIC, VERSION
from crisp_sw.driver.errors import DriverError
from crisp_sw.driver.registers import REGISTERS, Registers

_SHAPE = [name for name in REGISTERS if name.startswith("shape_")]


def identify(registers: Registers) -> CoreConfig:
    """Read the configuration of the accelerator.

    Raises
    ------
    DriverError : there is no accelerator, or one of another version.
    """
    magic, version = registers.value("id"), registers.value("version")
    if magic != MAGIC:
        raise DriverError(f"register `id` is {magic:#010x}, expected {MAGIC:#010x}: this is no accelerator")
    if version != VERSION:
        raise DriverError(f"the accelerator has version {version}, expected {VERSION}")
    try:
        return CoreConfig(**{name.removeprefix("shape_"): registers.value(name) for name in _SHAPE})
    except ConfigError as error:
        raise DriverError(f"the shape registers contradict each other: {error}") from error


def check_configuration(found: CoreConfig, expected: CoreConfig) -> None:
    """Refuse to run a program on an accelerator that it was not compiled for.

    Raises
    ------
    DriverError : names every difference.
    """
    values = asdict(found)
    differences = [
        f"`{name}` is {values[name]}, expected {value}"
        for name, value in asdict(expected).items()
        if values[name] != value
    ]
    if differences:
        raise DriverError(f"the image was compiled for another accelerator: {'; '.join(differences)}")

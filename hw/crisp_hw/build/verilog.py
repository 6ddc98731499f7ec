"""Verilog and RTLIL of a component: readable, with stable names, and the same bytes every time."""

import re
from collections import Counter
from dataclasses import asdict
from importlib.metadata import version
from itertools import groupby
from pathlib import Path

from amaranth._toolchain.yosys import find_yosys
from amaranth.lib.wiring import Component

from crisp_files.atomic_files import write_text
from crisp_hw.build.readable.keywords import KEYWORDS
from crisp_hw.build.readable.modules import read_modules
from crisp_hw.build.readable.printer import print_module
from crisp_hw.build.readable.simplify import simplify
from crisp_hw.bus.signatures import flat_ports
from crisp_hw.parts.sharing import convert_shared
from crisp_spec.config import PRESETS, CoreConfig

OLDEST_YOSYS = (0, 40)
INTERNAL_ATTRIBUTES = ("generator", "top", "src", "amaranth.hierarchy", "amaranth.decoding")
WAIVERS = Path(__file__).with_name("waivers.vlt")


def write_verilog(component: Component, name: str, path: Path, *, command: str = "") -> Path:
    """Write ``component`` and everything in it to ``path`` as Verilog-2001; return ``path``.

    Verilator's waivers are written beside it, ``path`` with the ending ``.vlt``.

    Parameters
    ----------
    component : its ports become the top module's, struct members flattened to one vector per port;
        ``clk`` and ``rst`` are added.
    name : of the top module. All others begin with it: a shared one is ``<name>__<its own name>``, the rest
        are called after their places, ``<name>__<submodule>__...``.
    command : what writes the same file again, for its header.
    """
    write_text(path, verilog_text(component, name, command=command))
    write_text(path.with_suffix(".vlt"), WAIVERS.read_text(encoding="utf-8").replace("<FILE>", path.name))
    return path


def write_rtlil(component: Component, name: str, path: Path) -> Path:
    """Write ``component`` to ``path`` as RTLIL, which yosys reads faster than Verilog; return ``path``."""
    return write_text(path, rtlil_text(component, name))


def rtlil_text(component: Component, name: str) -> str:
    """RTLIL of ``component`` without source locations and without memories' initial zeros."""
    return _flat_module_names(_without_zero_memories(convert_shared(component, name)))


def verilog_text(component: Component, name: str, *, command: str = "") -> str:
    """Verilog of ``component``, see :func:`write_verilog`."""
    if name in KEYWORDS:
        raise ValueError(f"{name!r} is a keyword of Verilog")
    modules = []
    for module in read_modules(yosys_verilog(component, name)):
        simplify(module)
        modules.append(print_module(module, _port_groups(component) if module.name == name else ()))
    return "\n".join([_header(component, name, command), *modules])


def yosys_verilog(component: Component, name: str) -> str:
    """Verilog of ``component`` as yosys writes it: correct, and hard to read."""
    removals = " ".join(f"-remove {attribute}" for attribute in INTERNAL_ATTRIBUTES)
    script = [
        f"read_rtlil <<rtlil\n{rtlil_text(component, name)}\nrtlil",
        "proc -nomux -norom",
        "opt_clean -purge",
        "memory_collect",
        f"attrmap {removals}",
        f"attrmap -modattr {removals}",
        "write_verilog -norename",
    ]
    yosys = find_yosys(lambda version: version >= OLDEST_YOSYS)
    # Yosys warns that not every process can be written as Verilog; Amaranth emits only those that can.
    return yosys.run(["-q", "-"], "\n".join(script), ignore_warnings=True)


def _header(component: Component, name: str, command: str) -> str:
    """What the file is, in comments; nothing in them changes from one time to the next."""
    lines = [f"{name}, written by crisp-stc {version('crisp-stc')}"]
    lines += [f"by `{command}`"] if command else []
    lines += ["", "SPDX-License-Identifier: Apache-2.0"]
    parameters = getattr(component, "parameters", {})
    for config in parameters.values():
        if isinstance(config, CoreConfig):
            preset = next((name for name, known in PRESETS.items() if known == config), "custom")
            lines += [
                "",
                f"Preset: {preset}",
                *[f"  {key} = {value}" for key, value in asdict(config).items()],
            ]
    if technology := parameters.get("technology"):
        lines += ["", f"Technology: {technology.value}"]
    return "".join(f"// {line}".rstrip() + "\n" for line in lines)


def _port_groups(component: Component) -> list[list[str]]:
    """Names of the ports, those of every interface together, the others as they follow each other."""
    members = sorted(component.signature.members, key=len, reverse=True)

    def group(port: str) -> str:
        owner = next(name for name in members if port == name or port.startswith(f"{name}_"))
        return "" if owner == port else owner

    return [list(ports) for _, ports in groupby(flat_ports(component), key=group)]


def _without_zero_memories(text: str) -> str:
    """Drop the initial values of memories that are all 0: Verilog spends one line on each word.

    The contents of such a memory are then undefined at power-up. Nothing in the core reads a word that
    was not written before.
    """
    return re.sub(
        r"  cell \$meminit_v2 (?:(?!  end\n).)*?    connect \\DATA \d+'0+\n.*?  end\n", "", text, flags=re.S
    )


def _flat_module_names(text: str) -> str:
    """Replace the dots in module names, so that Verilog needs no escaped identifiers for them.

    Raises
    ------
    ValueError : two modules would have the same name.
    """
    flat = {name: name.replace(".", "__") for name in re.findall(r"^module (\\\S+)$", text, flags=re.M)}
    if twice := [name for name, count in Counter(flat.values()).items() if count > 1]:
        raise ValueError(f"two modules are called {twice[0][1:]!r}: a shared one, and one after its place")
    return re.sub(
        r"^(module |  cell )(\\\S+)", lambda found: found[1] + flat.get(found[2], found[2]), text, flags=re.M
    )

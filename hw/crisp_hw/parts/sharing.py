"""Repeated blocks as one module with many instances.

Amaranth makes a module of its own for every submodule, so an array of 1024 equal lanes becomes 1024 modules.
Converting with `SharedModules` as platform makes one of them and instantiates it, which keeps the Verilog
readable and the conversion fast. Without it, as in Amaranth's simulator, the blocks are elaborated in place.

A module's name tells its parameters inside one design only, and Verilog knows one name space: all names begin
with the top's, so that several designs, and others' modules, can be read together.
"""

import re
from typing import Any, Protocol

from amaranth.back import rtlil
from amaranth.hdl import ClockSignal, Instance, ResetInserter, ResetSignal, Value
from amaranth.hdl._ir import PortDirection
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from crisp_hw.bus.signatures import flat_ports

DIRECTIONS = {In: PortDirection.Input, Out: PortDirection.Output}


class Shareable(Protocol):
    """A component whose ``module_name`` names its class, and what it differs in inside one design."""

    signature: Any

    @property
    def module_name(self) -> str:
        """Equal for two components of a design exactly if their hardware is."""
        ...

    def elaborate(self, platform: object) -> Any:
        """Build the hardware."""
        ...


class SharedModules:
    """Platform that collects the RTLIL of shared modules during a conversion.

    Parameters
    ----------
    top : name of the top module.
    """

    def __init__(self, top: str) -> None:
        self.top = top
        self.texts: dict[str, str] = {}

    def instance(self, component: Shareable, reset: Value | None = None) -> Instance:
        """Instantiate the module of ``component``, converting it if it is the first of its name.

        ``reset`` takes the place of the design's reset.
        """
        name = f"{self.top}__{component.module_name}"
        # Amaranth warns of components that nobody elaborates, which all but the first of a name are.
        component._MustUse__used = True  # pyright: ignore
        if name not in self.texts:
            self.texts[name] = convert_module(component, name, self)
        ports = _ports(self.texts[name], name)
        members = {
            "__".join(map(str, path)): (member.flow, value)
            for path, member, value in component.signature.flatten(component)
        }
        if set(members) != set(ports) - {"clk", "rst"}:
            raise ValueError(f"module {name!r} has ports {sorted(ports)}, its component {sorted(members)}")
        wires: dict[str, Any] = {
            ("i_" if flow is In else "o_") + port: value for port, (flow, value) in members.items()
        }
        if "clk" in ports:
            wires["i_clk"] = ClockSignal("sync")
        if "rst" in ports:
            wires["i_rst"] = ResetSignal("sync") if reset is None else reset
        return Instance(name, **wires)


def shared(platform: object, component: Shareable, reset: Value | None = None) -> Any:
    """Return what to add as a submodule: an instance of the shared module, or the component itself.

    ``reset`` takes the place of the design's reset; without a platform both act. What must also begin anew
    with the design needs both: ``reset | ResetSignal()``.
    """
    if isinstance(platform, SharedModules):
        return platform.instance(component, reset)
    return component if reset is None else ResetInserter(reset)(component)  # pyright: ignore


def convert_shared(component: wiring.Component, name: str) -> str:
    """RTLIL of ``component`` as module ``name``, behind the modules that its parts share, ``<name>__...``."""
    modules = SharedModules(name)
    ports = {port: (value, DIRECTIONS[flow]) for port, (value, flow) in flat_ports(component).items()}
    top = rtlil.convert(component, name=name, platform=modules, ports=ports, emit_src=False)
    return "\n".join([*modules.texts.values(), top])


def convert_module(component: Any, name: str, modules: SharedModules) -> str:
    """RTLIL of ``component`` as a module that is not the top."""
    text = rtlil.convert(component, name=name, platform=modules, emit_src=False)
    return re.sub(r"^\s*attribute \\top 1\n", "", text, flags=re.M)


def _ports(text: str, name: str) -> set[str]:
    """Names of the ports of module ``name`` in RTLIL."""
    _, _, body = text.partition(f"\nmodule \\{name}\n")
    body, _, _ = body.partition("\nend\n")
    return set(re.findall(r"^  wire .*(?:input|output) \d+ .*\\(\S+)$", body, flags=re.M))

"""Repeated blocks as one module with many instances.

Amaranth makes a module of its own for every submodule, so an array of 1024 equal lanes becomes 1024 modules.
Converting with `SharedModules` as platform makes one of them and instantiates it, which keeps the Verilog
readable and the conversion fast. Without it, as in Amaranth's simulator, the blocks are elaborated in place.

A module's name tells its parameters inside one design only, and Verilog knows one name space: all names begin
with the top's, so that several designs, and others' modules, can be read together.
"""

import inspect
import re
from typing import Any, Self

from amaranth.back import rtlil
from amaranth.hdl import ClockSignal, Instance, ResetInserter, ResetSignal, Value
from amaranth.hdl._ir import PortDirection
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from crisp_hw.bus.signatures import flat_ports

DIRECTIONS = {In: PortDirection.Input, Out: PortDirection.Output}


class Shareable(wiring.Component):
    """A component of which equal ones can share one module: those of one class with equal parameters.

    The arguments of the constructor are recorded when it is called, so that no parameter can be forgotten,
    not even one that changes nothing but the inside. The hardware must not depend on anything else.

    Attributes
    ----------
    parameters : the constructor's arguments by name, defaults included.
    """

    parameters: dict[str, Any]

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        """Record the arguments; the class's own constructor follows."""
        component = super().__new__(cls, *args, src_loc_at=1, **kwargs)
        bound = inspect.signature(cls.__init__).bind(component, *args, **kwargs)
        bound.apply_defaults()
        own = cls.__init__ is not wiring.Component.__init__
        component.parameters = dict(list(bound.arguments.items())[1:]) if own else {}
        return component

    @property
    def module_name(self) -> str:
        """What the module is called behind the top's name; tells whatever differs inside one design.

        It is what people read. Whether a module is shared is decided by ``parameters`` alone.
        """
        return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", type(self).__name__).lower()


class SharedModules:
    """Platform that collects the RTLIL of shared modules during a conversion.

    Parameters
    ----------
    top : name of the top module.

    Attributes
    ----------
    texts : RTLIL of every shared module by its name, a module's parts before itself.
    """

    def __init__(self, top: str) -> None:
        self.top = top
        self.texts: dict[str, str] = {}
        self._owners: dict[str, Shareable] = {}

    def instance(self, component: Shareable, reset: Value | None = None) -> Instance:
        """Instantiate the module of ``component``, converting it if it is the first of its kind.

        ``reset`` takes the place of the design's reset.

        Raises
        ------
        ValueError : a component of another class, or with other parameters, has the same name.
        """
        name = f"{self.top}__{component.module_name}"
        # Amaranth warns of components that nobody elaborates, which all but the first of a kind are.
        component._MustUse__used = True  # pyright: ignore
        if name not in self._owners:
            self._owners[name] = component
            self.texts[name] = self.convert(component, name)
        elif difference := _difference(self._owners[name], component):
            raise ValueError(f"module name {name!r} stands for {difference}")
        ports = _ports(self.texts[name], name)
        wires: dict[str, Any] = {
            ("i_" if member.flow is In else "o_") + "__".join(map(str, path)): value
            for path, member, value in component.signature.flatten(component)
        }
        if "clk" in ports:
            wires["i_clk"] = ClockSignal("sync")
        if "rst" in ports:
            wires["i_rst"] = ResetSignal("sync") if reset is None else reset
        return Instance(name, **wires)

    def convert(self, component: Shareable, name: str) -> str:
        """RTLIL of ``component`` as a module that is not the top, without a reset that it does not use."""
        text = rtlil.convert(component, name=name, platform=self, emit_src=False)
        text = re.sub(r"^\s*attribute \\top 1\n", "", text, flags=re.M)
        before, line, body = text.partition(f"\nmodule \\{name}\n")
        body, end, after = body.partition("\nend\n")
        if len(re.findall(r"\\rst\b", body)) == 1:
            body = re.sub(r"^  wire width 1 input \d+ +\\rst\n", "", body, flags=re.M)
        return before + line + body + end + after


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


def _difference(first: Shareable, second: Shareable) -> str:
    """What tells two components apart, in words; empty if they are equal."""
    if type(first) is not type(second):
        return f"{type(first).__name__} and {type(second).__name__}"
    for parameter, value in first.parameters.items():
        if value != (other := second.parameters[parameter]):
            return f"{type(first).__name__} with `{parameter}` {value!r} and with {other!r}"
    return ""


def _ports(text: str, name: str) -> set[str]:
    """Names of the ports of module ``name`` in RTLIL."""
    _, _, body = text.partition(f"\nmodule \\{name}\n")
    body, _, _ = body.partition("\nend\n")
    return set(re.findall(r"^  wire .*(?:input|output) \d+ .*\\(\S+)$", body, flags=re.M))

"""What is connected with what inside a component, from its netlist."""

import json
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import Any

from amaranth._toolchain.yosys import find_yosys
from amaranth.lib.wiring import Component

from crisp_hw.build.verilog import OLDEST_YOSYS, rtlil_text

CLOCK_AND_RESET = ("clk", "rst")


@dataclass(frozen=True)
class Connection:
    """Bits that pass from one block to another, directly or through logic and registers between them.

    Attributes
    ----------
    source, target : submodules, or ports of the component in angle brackets.
    ports : bits by the name of the target's port, widest first.
    """

    source: str
    target: str
    ports: dict[str, int]

    @property
    def bits(self) -> int:
        """Width of all together."""
        return sum(self.ports.values())


@dataclass(frozen=True)
class Netlist:
    """The submodules of a component and the connections between them."""

    blocks: frozenset[str]
    connections: tuple[Connection, ...]


def netlist(component: Component, name: str) -> Netlist:
    """Elaborate ``component`` and follow every input bit of its submodules back to where it comes from."""
    script = [
        f"read_rtlil <<rtlil\n{rtlil_text(component, name)}\nrtlil",
        f"hierarchy -top {name}",
        "proc",
        "opt_clean",
        f"select {name}",
        "write_json -selected",
    ]
    yosys = find_yosys(lambda version: version >= OLDEST_YOSYS)
    output = yosys.run(["-q", "-"], "\n".join(script), ignore_warnings=True)
    return _Reader(json.loads(output[output.index("{") :])["modules"][name]).read()


class _Reader:
    """Reads one module of yosys's JSON netlist."""

    def __init__(self, module: dict[str, Any]):
        self.cells: dict[str, Any] = module["cells"]
        self.blocks = {cell for cell, found in self.cells.items() if not found["type"].startswith("$")}
        self.drivers: dict[int, tuple[str, str]] = {}
        for port, found in module["ports"].items():
            if found["direction"] == "input":
                self.drivers.update((bit, (f"<{port}>", "")) for bit in found["bits"])
        for cell in self.cells:
            for port, bits in self._ports(cell, "output"):
                self.drivers.update((bit, (cell, port)) for bit in bits if not isinstance(bit, str))

    def read(self) -> Netlist:
        found: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
        for block in self.blocks:
            for port, bits in self._ports(block, "input"):
                for bit in bits:
                    for source in self._sources(bit):
                        found[_plain(source), _plain(block)][port] += 1
        connections = (
            Connection(source, target, dict(ports.most_common()))
            for (source, target), ports in sorted(found.items())
        )
        return Netlist(frozenset(map(_plain, self.blocks)), tuple(connections))

    def _ports(self, cell: str, direction: str) -> list[tuple[str, list[Any]]]:
        found = self.cells[cell]
        return [
            (port, bits)
            for port, bits in found["connections"].items()
            if found["port_directions"][port] == direction and port not in CLOCK_AND_RESET
        ]

    def _sources(self, bit: Any) -> set[str]:
        """Blocks and ports whose bits reach this one through logic."""
        sources, seen, pending = set(), set(), [bit]
        while pending:
            bit = pending.pop()
            if bit in seen or bit not in self.drivers:
                continue
            seen.add(bit)
            driver, _ = self.drivers[bit]
            if driver in self.blocks or driver.startswith("<"):
                if driver.strip("<>") not in CLOCK_AND_RESET:
                    sources.add(driver)
            else:
                for port, bits in self._ports(driver, "input"):
                    pending += bits if port != "CLK" else []
        return sources


def _plain(name: str) -> str:
    """Without the number that tells a submodule from a signal of that name."""
    return name.partition("$")[0]

"""What synthesis, placement and routing achieved: resources, clock and critical path."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

from crisp_hw.build.fpga.boards import Board
from crisp_hw.build.fpga.tools import ToolError

# Name in our report, yosys's cell types that count for it, nextpnr's site type with the number on the chip.
RESOURCES: dict[str, tuple[tuple[str, ...], str | None]] = {
    "lut": (("LUT4",), None),
    "wide_mux": (("PFUMX", "L6MUX21"), None),
    "carry": (("CCU2C",), None),
    "lutram": (("TRELLIS_DPR16X4",), None),
    "comb": ((), "TRELLIS_COMB"),
    "ff": (("TRELLIS_FF",), "TRELLIS_FF"),
    "dsp": (("MULT18X18D",), "MULT18X18D"),
    "block_ram": (("DP16KD", "PDPW16KD"), "DP16KD"),
}

LABELS = {
    "lut": "LUT4",
    "wide_mux": "wide multiplexers (PFUMX, L6MUX21)",
    "carry": "carry cells (CCU2C)",
    "lutram": "LUT RAM cells (DPR16X4)",
    "comb": "combinational sites after packing",
    "ff": "flip-flops",
    "dsp": "DSP (MULT18X18D)",
    "block_ram": "block RAM (DP16KD)",
}


@dataclass(frozen=True)
class Resource:
    """Cells of one kind: how many are used, and how many the chip has (None where that is not one number)."""

    used: int
    available: int | None


@dataclass(frozen=True)
class PathStep:
    """One delay on the critical path.

    Attributes
    ----------
    kind : ``clk-to-q``, ``logic``, ``routing`` or ``setup``.
    cell, port : where the step ends.
    net : wire of a routing step, else empty.
    delay_ns : of this step alone.
    """

    kind: str
    cell: str
    port: str
    net: str
    delay_ns: float


@dataclass(frozen=True, kw_only=True)
class SynthesisReport:
    """Result of one placement.

    Attributes
    ----------
    resources : used cells by name (see ``RESOURCES``), the wrapper's included.
    fmax_mhz : highest clock between registers, worst-case corner of the speed grade.
    critical_path : slowest path between registers, in order.
    wrapper_ff, wrapper_lut : what the wrapper adds at most.
    """

    board: str
    part: str
    seed: int
    target_mhz: float
    fmax_mhz: float
    resources: dict[str, Resource]
    critical_path: tuple[PathStep, ...]
    wrapper_ff: int
    wrapper_lut: int

    def as_json(self) -> dict[str, Any]:
        """The report as plain JSON types."""
        return asdict(self)

    def as_table(self, title: str) -> Group:
        """The report for a terminal: resources, clock, critical path."""
        return Group(self._resource_table(title), self._path_table())

    def _resource_table(self, title: str) -> Table:
        table = Table(title=f"{title} ({self.part})", title_justify="left")
        table.add_column("resource")
        for column in ("used", "of", "%"):
            table.add_column(column, justify="right")
        for name, resource in self.resources.items():
            share = f"{100 * resource.used / resource.available:.1f}" if resource.available else ""
            table.add_row(LABELS[name], f"{resource.used}", f"{resource.available or ''}", share)
        table.add_section()
        table.add_row("Fmax, MHz", f"{self.fmax_mhz:.1f}", f"{self.target_mhz:g}", "target")
        return table

    def _path_table(self) -> Table:
        total = sum(step.delay_ns for step in self.critical_path)
        table = Table(title=f"critical path, {total:.2f} ns", title_justify="left")
        table.add_column("ns", justify="right")
        table.add_column("step")
        table.add_column("to")
        for step in self.critical_path:
            table.add_row(f"{step.delay_ns:.2f}", step.kind, Text(f"{step.cell}.{step.port}"))
        return table


def read_report(folder: Path, board: Board, seed: int, wrapper_ff: int, wrapper_lut: int) -> SynthesisReport:
    """Read what yosys (``cells.json``) and nextpnr (``seed<N>.json``) left in ``folder``.

    Raises
    ------
    ToolError : nextpnr reported no clock.
    """
    placed = json.loads((folder / f"seed{seed}.json").read_text(encoding="utf-8"))
    if not placed["fmax"]:
        raise ToolError("nextpnr-ecp5 found no clock in the design; expected one at the port `clk`")
    clock, frequency = min(placed["fmax"].items(), key=lambda item: item[1]["achieved"])
    return SynthesisReport(
        board=board.name,
        part=board.part,
        seed=seed,
        target_mhz=board.target_mhz,
        fmax_mhz=round(frequency["achieved"], 2),
        resources=read_resources(folder, f"seed{seed}"),
        critical_path=_critical_path(placed["critical_paths"], clock),
        wrapper_ff=wrapper_ff,
        wrapper_lut=wrapper_lut,
    )


def read_resources(folder: Path, name: str) -> dict[str, Resource]:
    """Read from yosys's ``cells.json`` and nextpnr's ``<name>.json`` what a design takes."""
    cells = json.loads((folder / "cells.json").read_text(encoding="utf-8"))["design"]["num_cells_by_type"]
    sites = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))["utilization"]
    return {resource: _resource(resource, cells, sites) for resource in RESOURCES}


def _resource(name: str, cells: dict[str, int], sites: dict[str, dict[str, int]]) -> Resource:
    types, site = RESOURCES[name]
    used = sum(cells.get(cell, 0) for cell in types) if types else sites[site or ""]["used"]
    return Resource(used, sites[site]["available"] if site else None)


def _critical_path(paths: list[dict[str, Any]], clock: str) -> tuple[PathStep, ...]:
    """The steps of the slowest path, without the free ones inside carry chains and wide multiplexers."""
    edge = f"posedge {clock}"
    steps = next((path["path"] for path in paths if path["from"] == path["to"] == edge), [])
    return tuple(
        PathStep(
            kind=step["type"],
            cell=step["to"]["cell"],
            port=step["to"]["port"],
            net=step.get("net", ""),
            delay_ns=round(step["delay"], 3),
        )
        for step in steps
        if step["delay"] > 0 or step["type"] == "setup"
    )

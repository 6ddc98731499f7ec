"""Where the array's multipliers and its activation memory stand on the chip.

Multipliers and block RAMs stand in a few rows across an ECP5. A placer that looks for the nearest free one,
cell by cell, scatters the lanes of a nearly full chip over all of it, and with them the wires. But the array
is a chain of rows: here its multipliers follow one another like its rows and lanes, along the chip's rows of
multipliers, the second row backwards and so on, so that the chain never jumps. The activation memory stands
beside the chain's beginning; those of its tiles that hold the same channels of a word stand together.
"""

import json
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MULTIPLIER, BLOCK_RAM = "MULT18X18D", "DP16KD"

MULTIPLIERS_OF_GROUP = ((0, "MULT18_0"), (1, "MULT18_1"), (4, "MULT18_4"), (5, "MULT18_5"))
RAMS_OF_GROUP = ((0, "EBR0"), (2, "EBR1"), (4, "EBR2"), (6, "EBR3"))
"""Columns of the blocks of a group, and nextpnr's names of them."""

_LANE = re.compile(r"row_(\d+)\.(?:lane_(\d+)_(\d+)|output_lane_(\d+))\.")
_TILE = re.compile(r"activation_memory\.bank_(\d+)\.tile_(\d+)")


@dataclass(frozen=True, kw_only=True)
class Sites:
    """Multipliers and block RAMs of one chip.

    Attributes
    ----------
    groups : X of every group of four blocks, the same in all rows.
    multiplier_rows : Y of the rows of multipliers, in the order in which the array takes them.
    ram_rows : Y of the rows of block RAMs, those beside the first of ``multiplier_rows`` first.
    """

    groups: tuple[int, ...]
    multiplier_rows: tuple[int, ...]
    ram_rows: tuple[int, ...]

    def multipliers(self) -> list[str]:
        """Names of all sites, as nextpnr has them; each next to the one before."""
        sites: list[str] = []
        for number, row in enumerate(self.multiplier_rows):
            line = self._line(row, MULTIPLIERS_OF_GROUP)
            sites += line if number % 2 == 0 else line[::-1]
        return sites

    def rams(self) -> list[str]:
        """Names of all sites, along two rows at a time."""
        return [
            site
            for first in range(0, len(self.ram_rows), 2)
            for column in zip(*map(self._rams_of_row, self.ram_rows[first : first + 2]), strict=True)
            for site in column
        ]

    def _rams_of_row(self, row: int) -> list[str]:
        return self._line(row, RAMS_OF_GROUP)

    def _line(self, row: int, blocks: Iterable[tuple[int, str]]) -> list[str]:
        return [f"X{group + column}/Y{row}/{name}" for group in self.groups for column, name in blocks]


_SMALL = Sites(groups=(4, 13, 22, 33, 42, 51, 60), multiplier_rows=(13,), ram_rows=(25, 37))
_MEDIUM = Sites(groups=(4, 13, 22, 31, 42, 51, 60, 69, 78), multiplier_rows=(46, 22), ram_rows=(58, 34, 10))
_LARGE = Sites(
    groups=(4, 13, 22, 31, 40, 49, 58, 69, 78, 87, 96, 105, 114),
    multiplier_rows=(58, 34, 10),
    ram_rows=(70, 82, 46, 22),
)

SITES = {"12k": _SMALL, "25k": _SMALL, "45k": _MEDIUM, "85k": _LARGE}
"""By the size that nextpnr's name of a device ends with; an LFE5U-12F is an LFE5U-25F."""


def place_array(netlist: Path, device: str) -> int:
    """Give the array's blocks in a netlist of yosys, a JSON file, their sites on ``device``.

    Returns how many were placed: none of a kind that the chip has too few of, which nextpnr is to say.
    """
    document = json.loads(netlist.read_text(encoding="utf-8"))
    cells = _top(document)["cells"]
    sites = SITES[device.rpartition("-")[2]]
    multipliers, rams = (
        [name for name, cell in cells.items() if cell["type"] == kind] for kind in (MULTIPLIER, BLOCK_RAM)
    )
    plan = {
        **_assign(multipliers_in_order(multipliers), sites.multipliers()),
        **_assign(rams_in_order(rams), sites.rams()),
    }
    for name, site in plan.items():
        cells[name]["attributes"]["BEL"] = site
    temporary = netlist.with_suffix(".new")
    temporary.write_text(json.dumps(document), encoding="utf-8")
    os.replace(temporary, netlist)
    return len(plan)


def multipliers_in_order(names: Iterable[str]) -> list[str]:
    """Those of rows of the array: row by row, lane by lane, a row's output lanes between its columns."""
    matches = {name: match for name in names if (match := _LANE.search(name))}
    columns = 1 + max((int(match[2]) for match in matches.values() if match[2]), default=0)
    places: dict[str, tuple[int, float, int, str]] = {}
    for name, match in matches.items():
        row, column, lane, output = match.groups()
        places[name] = (int(row), float(column or columns / 2 - 0.5), int(lane or output), name)
    return sorted(places, key=places.__getitem__)


def rams_in_order(names: Iterable[str]) -> list[str]:
    """Those of the activation memory: tile by tile, and of each the banks."""
    matches = {name: match for name in names if (match := _TILE.search(name))}
    return sorted(matches, key=lambda name: (int(matches[name][2]), int(matches[name][1]), name))


def _assign(names: list[str], sites: list[str]) -> Mapping[str, str]:
    return dict(zip(names, sites, strict=False)) if len(names) <= len(sites) else {}


def _top(document: dict[str, Any]) -> dict[str, Any]:
    modules = document["modules"].values()
    return next(module for module in modules if "top" in module["attributes"])

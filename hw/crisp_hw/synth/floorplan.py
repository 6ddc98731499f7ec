"""Where the array's multipliers stand on the chip.

Multiplier blocks stand in a few rows across an ECP5. A placer that looks for the nearest free one, lane by
lane, scatters the lanes of a nearly full chip over all of it, and with them the wires. But the array is a
chain of rows: here its multipliers follow one another like its rows and lanes, along the chip's rows of
blocks, the second row backwards and so on, so that the chain never jumps.
"""

import json
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MULTIPLIER = "MULT18X18D"

GROUP_SITES = ((0, "MULT18_0"), (1, "MULT18_1"), (4, "MULT18_4"), (5, "MULT18_5"))
"""Column of a multiplier in its group of blocks, and its name there."""

_LANE = re.compile(r"row_(\d+)\.(?:lane_(\d+)_(\d+)|output_lane_(\d+))\.")


@dataclass(frozen=True, kw_only=True)
class MultiplierSites:
    """The multipliers of one chip.

    Attributes
    ----------
    rows : Y of the chip's rows of blocks, in the order in which the array takes them.
    groups : X of every group of four multipliers, the same in all rows.
    """

    rows: tuple[int, ...]
    groups: tuple[int, ...]

    def chain(self) -> list[str]:
        """Names of all sites, as nextpnr has them; each next to the one before."""
        columns = [(group + column, name) for group in self.groups for column, name in GROUP_SITES]
        sites = []
        for number, row in enumerate(self.rows):
            line = columns if number % 2 == 0 else columns[::-1]
            sites += [f"X{column}/Y{row}/{name}" for column, name in line]
        return sites


_SMALL = MultiplierSites(rows=(13,), groups=(4, 13, 22, 33, 42, 51, 60))
_MEDIUM = MultiplierSites(rows=(22, 46), groups=(4, 13, 22, 31, 42, 51, 60, 69, 78))
_LARGE = MultiplierSites(rows=(10, 34, 58), groups=(4, 13, 22, 31, 40, 49, 58, 69, 78, 87, 96, 105, 114))

SITES = {"12k": _SMALL, "25k": _SMALL, "45k": _MEDIUM, "85k": _LARGE}
"""By the size that nextpnr's name of a device ends with; an LFE5U-12F is an LFE5U-25F."""


def place_multipliers(netlist: Path, device: str) -> int:
    """Give the array's multipliers in a netlist of yosys, a JSON file, their sites on ``device``.

    Returns how many were placed: none if there are more than the chip has, which nextpnr is to say.
    """
    document = json.loads(netlist.read_text(encoding="utf-8"))
    cells = _top(document)["cells"]
    names = in_order_of_the_array(name for name, cell in cells.items() if cell["type"] == MULTIPLIER)
    sites = SITES[device.rpartition("-")[2]].chain()
    if not names or len(names) > len(sites):
        return 0
    for name, site in zip(names, sites, strict=False):
        cells[name]["attributes"]["BEL"] = site
    temporary = netlist.with_suffix(".new")
    temporary.write_text(json.dumps(document), encoding="utf-8")
    os.replace(temporary, netlist)
    return len(names)


def in_order_of_the_array(names: Iterable[str]) -> list[str]:
    """Those of rows of the array: row by row, lane by lane, a row's output lanes between its columns."""
    places: dict[str, tuple[int, float, int, str]] = {}
    matches = {name: match for name in names if (match := _LANE.search(name))}
    columns = 1 + max((int(match[2]) for match in matches.values() if match[2]), default=0)
    for name, match in matches.items():
        row, column, lane, output = match.groups()
        middle = columns / 2 - 0.5
        places[name] = (int(row), float(column or middle), int(lane or output), name)
    return sorted(places, key=places.__getitem__)


def _top(document: dict[str, Any]) -> dict[str, Any]:
    modules = document["modules"].values()
    return next(module for module in modules if "top" in module["attributes"])

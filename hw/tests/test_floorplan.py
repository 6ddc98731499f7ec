"""The floorplan: the array's multipliers stand in the order of the array, each beside the one before."""

import json
import re
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest

from crisp_hw.boards import BOARDS
from crisp_hw.synth.floorplan import MULTIPLIER, SITES, in_order_of_the_array, place_multipliers

MULTIPLIERS = {"12k": 28, "25k": 28, "45k": 72, "85k": 156}
"""From Lattice's data sheet of the family, FPGA-DS-02012."""


def column_and_row(site: str) -> tuple[int, int]:
    match = re.fullmatch(r"X(\d+)/Y(\d+)/MULT18_[0145]", site)
    assert match
    return int(match[1]), int(match[2])


def lane(row: int, col: int, number: int) -> str:
    return f"component.core.row_{row}.lane_{col}_{number}.multiplier.dsp"


def output(row: int, number: int, name: str) -> str:
    return f"component.core.row_{row}.output_lane_{number}.{name}_multiplier.dsp"


def netlist(folder: Path, names: list[str]) -> Path:
    other = "component.core.block_index_decoder.plane_multiplier.dsp"
    cells = {name: {"type": MULTIPLIER, "attributes": {}} for name in [*names, other]}
    cells["component.core.row_0.lane_0_0.activation"] = {"type": "TRELLIS_FF", "attributes": {}}
    path = folder / "netlist.json"
    library = {"attributes": {"blackbox": "1"}, "cells": {}}
    path.write_text(
        json.dumps({"modules": {"LUT4": library, "t": {"attributes": {"top": "1"}, "cells": cells}}})
    )
    return path


def placed(path: Path) -> dict[str, str]:
    cells = json.loads(path.read_text())["modules"]["t"]["cells"]
    return {name: cell["attributes"]["BEL"] for name, cell in cells.items() if "BEL" in cell["attributes"]}


@pytest.mark.parametrize("size", SITES)
def test_a_chip_has_all_its_sites_once_and_a_chain_of_them(size):
    sites = SITES[size].chain()
    assert len(set(sites)) == len(sites) == MULTIPLIERS[size]
    for (x, y), (next_x, next_y) in pairwise(map(column_and_row, sites)):
        assert (abs(next_x - x) <= 7) if next_y == y else (x == next_x and abs(next_y - y) == 24)


def test_every_board_has_sites():
    assert {board.device.rpartition("-")[2] for board in BOARDS.values()} <= set(SITES)


def test_order_is_that_of_rows_columns_and_lanes_with_outputs_between():
    expected = [
        name
        for row in (0, 2, 10)
        for name in (
            *(lane(row, col, number) for col in (0, 1) for number in (0, 1, 11)),
            *(output(row, number, part) for number in (0, 1) for part in ("high", "low")),
            *(lane(row, col, number) for col in (2, 3) for number in (0, 1, 11)),
        )
    ]
    shuffled = Random(1).sample(expected, len(expected))
    assert in_order_of_the_array([*shuffled, "component.core.plane_multiplier.dsp"]) == expected


def test_multipliers_get_the_first_sites_and_nothing_else_any(tmp_path):
    names = [lane(row, col, number) for row in range(4) for col in range(4) for number in range(4)]
    path = netlist(tmp_path, names)
    assert place_multipliers(path, "um5g-85k") == 64
    assert placed(path) == dict(zip(names, SITES["85k"].chain()[:64], strict=True))
    assert [file.name for file in tmp_path.iterdir()] == ["netlist.json"]


def test_too_many_are_left_to_nextpnr_to_refuse(tmp_path):
    path = netlist(tmp_path, [lane(row, 0, 0) for row in range(29)])
    assert place_multipliers(path, "12k") == 0
    assert placed(path) == {}

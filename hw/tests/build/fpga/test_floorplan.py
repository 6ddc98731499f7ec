"""The floorplan: blocks of the array stand in the order of the array, each beside the one before."""

import json
import re
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest

from crisp_hw.build.fpga.boards import BOARDS
from crisp_hw.build.fpga.floorplan import (
    BLOCK_RAM,
    MULTIPLIER,
    SITES,
    multipliers_in_order,
    place_array,
    rams_in_order,
)
from crisp_hw.build.fpga.tools import find_yosys, run_tool
from crisp_hw.build.verilog import write_rtlil
from crisp_hw.cells import Technology
from crisp_hw.core.core import CrispCore
from crisp_spec.config import preset

BLOCKS = {"12k": (28, 56), "25k": (28, 56), "45k": (72, 108), "85k": (156, 208)}
"""Multipliers and block RAMs of the dies, from Lattice's data sheet of the family, FPGA-DS-02012."""

PLANE = "component.core.block_index_decoder.plane_multiplier.dsp"
WEIGHTS = "component.core.weight_loader.weight_memory.ram.tile_0"


def column_and_row(site: str) -> tuple[int, int]:
    match = re.fullmatch(r"X(\d+)/Y(\d+)/(MULT18_[0145]|EBR[0-3])", site)
    assert match
    return int(match[1]), int(match[2])


def lane(row: int, col: int, number: int) -> str:
    return f"component.core.row_{row}.lane_{col}_{number}.multiplier.dsp"


def output(row: int, number: int, name: str) -> str:
    return f"component.core.row_{row}.output_lane_{number}.{name}_multiplier.dsp"


def tile(bank: int, number: int) -> str:
    return f"component.core.activation_memory.bank_{bank}.tile_{number}"


def netlist(folder: Path, multipliers: list[str], rams: list[str]) -> Path:
    types = dict.fromkeys([*multipliers, PLANE], MULTIPLIER) | dict.fromkeys([*rams, WEIGHTS], BLOCK_RAM)
    types["component.core.row_0.lane_0_0.activation"] = "TRELLIS_FF"
    cells = {name: {"type": kind, "attributes": {}} for name, kind in types.items()}
    library = {"attributes": {"blackbox": "1"}, "cells": {}}
    path = folder / "netlist.json"
    path.write_text(
        json.dumps({"modules": {"LUT4": library, "t": {"attributes": {"top": "1"}, "cells": cells}}})
    )
    return path


def placed(path: Path) -> dict[str, str]:
    cells = json.loads(path.read_text())["modules"]["t"]["cells"]
    return {name: cell["attributes"]["BEL"] for name, cell in cells.items() if "BEL" in cell["attributes"]}


@pytest.mark.parametrize("size", SITES)
def test_a_chip_has_all_its_sites_once(size):
    multipliers, rams = SITES[size].multipliers(), SITES[size].rams()
    assert (len(set(multipliers)), len(set(rams))) == (len(multipliers), len(rams)) == BLOCKS[size]


@pytest.mark.parametrize("size", SITES)
def test_multipliers_are_a_chain(size):
    for (x, y), (next_x, next_y) in pairwise(map(column_and_row, SITES[size].multipliers())):
        assert (abs(next_x - x) <= 7) if next_y == y else (x == next_x and abs(next_y - y) == 24)


@pytest.mark.parametrize("size", SITES)
def test_block_rams_begin_beside_the_first_multipliers(size):
    (x, y), *_ = map(column_and_row, SITES[size].multipliers())
    for ram_x, ram_y in map(column_and_row, SITES[size].rams()[:8]):
        assert abs(ram_x - x) <= 7
        assert abs(ram_y - y) <= 24


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
    assert multipliers_in_order([*shuffled, PLANE]) == expected


def test_tiles_with_the_same_channels_are_neighbours():
    expected = [tile(bank, number) for number in (0, 1, 2, 10) for bank in (0, 1, 3)]
    assert rams_in_order([*Random(2).sample(expected, len(expected)), WEIGHTS]) == expected


def test_the_array_gets_the_first_sites_and_nothing_else_any(tmp_path):
    lanes = [lane(row, col, number) for row in range(4) for col in range(4) for number in range(4)]
    tiles = [tile(bank, number) for number in range(8) for bank in range(4)]
    path = netlist(tmp_path, lanes, tiles)
    assert place_array(path, "um5g-85k") == 64 + 32
    sites = SITES["85k"]
    multipliers, rams = sites.multipliers()[:64], sites.rams()[:32]
    assert placed(path) == dict(zip(lanes, multipliers, strict=True)) | dict(zip(tiles, rams, strict=True))
    assert [file.name for file in tmp_path.iterdir()] == ["netlist.json"]


def test_every_multiplier_and_activation_ram_of_a_core_is_placed(tmp_path):
    config = preset("ulx3s")
    write_rtlil(CrispCore(config, technology=Technology.ECP5), "core", tmp_path / "design.il")
    script = ["read_rtlil design.il", "hierarchy -top core", "flatten", "proc", "write_json netlist.json"]
    (tmp_path / "names.ys").write_text("\n".join(script) + "\n")
    run_tool(find_yosys(), ["names.ys"], folder=tmp_path, log="yosys.log")
    (modules,) = json.loads((tmp_path / "netlist.json").read_text())["modules"].values()
    rams = sum(
        "activation_memory" in name for name, cell in modules["cells"].items() if cell["type"] == BLOCK_RAM
    )
    multipliers = config.rows * (config.cols * config.lanes + 3 * config.drain_cols)
    assert (multipliers, rams) == (152, 64)
    assert place_array(tmp_path / "netlist.json", "85k") == multipliers + rams


def test_too_many_are_left_to_nextpnr_to_refuse(tmp_path):
    path = netlist(tmp_path, [lane(row, 0, 0) for row in range(29)], [tile(0, 0)])
    assert place_array(path, "12k") == 1
    assert list(placed(path)) == [tile(0, 0)]

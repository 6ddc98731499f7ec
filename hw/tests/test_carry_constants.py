"""The techmap of carry cells: no constant zeros are left, and the cells do the same, proved for all inputs."""

import json
import shutil
from pathlib import Path
from random import Random

import pytest

from crisp_hw.synth.flow import CARRY_CONSTANTS
from crisp_hw.synth.tools import find_yosys, run_tool

CELLS = 24
PINS = [f"{pin}{half}" for half in range(2) for pin in "ABCD"]
OUTPUTS = ("S0", "S1", "COUT")


def carry_cells(rng: Random) -> tuple[str, int]:
    """Verilog of cells with random tables and constants, and its number of zeros."""
    lines, zeros = [], 0
    for cell in range(CELLS):
        values = {pin: rng.choice(["1'b0", "1'b1", f"x[{rng.randrange(16)}]"]) for pin in PINS}
        zeros += list(values.values()).count("1'b0")
        tables = [f".INIT{half}(16'h{rng.randrange(1 << 16):04x})" for half in range(2)]
        injects = [f'.INJECT1_{half}("{rng.choice(["YES", "NO"])}")' for half in range(2)]
        ports = [f".{pin}({value})" for pin, value in values.items()]
        ports += [f".{port}(y[{3 * cell + place}])" for place, port in enumerate(OUTPUTS)]
        ports.append(f".CIN(x[{rng.randrange(16)}])")
        lines.append(f"CCU2C #({', '.join(tables + injects)}) cell{cell} ({', '.join(ports)});")
    body = "\n".join(lines)
    return f"module top(input [15:0] x, output [{3 * CELLS - 1}:0] y);\n{body}\nendmodule\n", zeros


def zeros_of(module: dict) -> int:
    return sum(cell["connections"][pin] == ["0"] for cell in module["cells"].values() for pin in PINS)


@pytest.mark.parametrize("seed", range(3))
def test_ones_take_the_place_of_zeros(tmp_path: Path, seed: int):
    verilog, zeros = carry_cells(Random(seed))
    assert zeros
    (tmp_path / "cells.v").write_text(verilog)
    shutil.copy(CARRY_CONSTANTS, tmp_path)
    script = [
        "read_verilog cells.v",
        "copy top mapped",
        f"techmap -map {CARRY_CONSTANTS.name} mapped/t:CCU2C",
        "opt_expr mapped",
        "write_json cells.json",
        "read_verilog +/lattice/common_sim.vh +/lattice/ccu2c_sim.vh",
        "hierarchy -check",
        "proc",
        "miter -equiv -make_outputs top mapped miter",
        "flatten miter",
        "sat -verify -prove trigger 0 miter",
    ]
    (tmp_path / "proof.ys").write_text("\n".join(script) + "\n")
    run_tool(find_yosys(), ["proof.ys"], folder=tmp_path, log="proof.log")
    modules = json.loads((tmp_path / "cells.json").read_text())["modules"]
    assert zeros_of(modules["top"]) == zeros
    assert zeros_of(modules["mapped"]) == 0

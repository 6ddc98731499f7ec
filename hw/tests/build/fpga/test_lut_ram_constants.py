"""The techmap of LUT RAM: no constant addresses are left, and the memories do the same, for all inputs."""

import json
import shutil
from pathlib import Path
from random import Random

import pytest

from crisp_hw.build.fpga.flow import LUT_RAM_CONSTANTS
from crisp_hw.build.fpga.tools import find_yosys, run_tool

CELLS = 6


def memories(rng: Random) -> str:
    """Verilog of memories with random contents, the address bits of each in use chosen at random."""
    lines = []
    for cell in range(CELLS):
        used = rng.randrange(1, 8)
        write, read = (
            "{"
            + ", ".join(f"{port}[{bit}]" if used >> bit & 1 or bit == 0 else "1'b0" for bit in (3, 2, 1, 0))
            + "}"
            for port in ("w", "r")
        )
        lines.append(
            f"TRELLIS_DPR16X4 #(.INITVAL(64'h{rng.getrandbits(64):016x})) cell{cell} (.DI(d), .WAD({write}),"
            f" .WRE(en), .WCK(clk), .RAD({read}), .DO(y[{4 * cell + 3}:{4 * cell}]));"
        )
    ports = "input clk, en, input [3:0] d, w, r"
    return "\n".join([f"module top({ports}, output [{4 * CELLS - 1}:0] y);", *lines, "endmodule\n"])


def constants(module: dict) -> int:
    cells = [cell for cell in module["cells"].values() if cell["type"] == "TRELLIS_DPR16X4"]
    assert len(cells) == CELLS
    return sum(bit == "0" for cell in cells for port in ("WAD", "RAD") for bit in cell["connections"][port])


@pytest.mark.parametrize("seed", range(3))
def test_unused_address_bits_follow_the_first(tmp_path: Path, seed: int):
    (tmp_path / "memories.v").write_text(memories(Random(seed)))
    shutil.copy(LUT_RAM_CONSTANTS, tmp_path)
    script = [
        "read_verilog memories.v",
        "copy top mapped",
        f"techmap -map {LUT_RAM_CONSTANTS.name} mapped/t:TRELLIS_DPR16X4",
        "opt_expr mapped",
        "write_json memories.json",
        "read_verilog +/lattice/common_sim.vh",
        "hierarchy -check",
        "proc",
        "miter -equiv -make_outputs top mapped miter",
        "flatten miter",
        "memory -nordff; memory_map; opt -full",
        "sat -tempinduct-baseonly -maxsteps 4 -verify -prove trigger 0 miter",
    ]
    (tmp_path / "proof.ys").write_text("\n".join(script) + "\n")
    run_tool(find_yosys(), ["proof.ys"], folder=tmp_path, log="proof.log")
    modules = json.loads((tmp_path / "memories.json").read_text())["modules"]
    assert constants(modules["top"]) > 0
    assert constants(modules["mapped"]) == 0

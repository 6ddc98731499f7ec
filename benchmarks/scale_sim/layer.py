"""A 3x3 layer in SCALE-Sim: dense, on a systolic array with as many multipliers as the `edge` preset."""

import csv
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from benchmarks.layers import KERNEL, MeasuredLayer
from benchmarks.scale_sim.environment import SHOWN, scale_sim_python
from crisp_sim.errors import ToolError
from crisp_sim.runs.runner import BUILD

ARRAY = 16
"""Rows and columns."""

DATAFLOW = "ws"
CONFIG = f"""\
[general]
run_name = layer
[run_presets]
InterfaceBandwidth = CALC
UseRamulatorTrace = False
[architecture_presets]
ArrayHeight = {ARRAY}
ArrayWidth = {ARRAY}
IfmapSramSzkB = 256
FilterSramSzkB = 256
OfmapSramSzkB = 256
IfmapOffset = 0
FilterOffset = 10000000
OfmapOffset = 20000000
Dataflow = {DATAFLOW}
ReadRequestBuffer = 64
WriteRequestBuffer = 64
[layout]
IfmapCustomLayout = False
IfmapSRAMBankBandwidth = 10
IfmapSRAMBankNum = 10
IfmapSRAMBankPort = 2
FilterCustomLayout = False
FilterSRAMBankBandwidth = 10
FilterSRAMBankNum = 10
FilterSRAMBankPort = 2
[sparsity]
SparsitySupport = False
"""
LAYOUT = "layer and twelve factors, none of them used\nlayer," + 12 * "1," + "\n"


@dataclass(frozen=True)
class ScaleSimRun:
    """Total cycles of a layer as SCALE-Sim counts them, without prefetching, and the wall time in seconds."""

    cycles: int
    seconds: float


def run_in_scale_sim(layer: MeasuredLayer) -> ScaleSimRun:
    """Run a layer, dense whatever its pattern; its input is padded by hand, as SCALE-Sim knows no padding.

    Raises
    ------
    ToolError : SCALE-Sim cannot be installed, or fails.
    """
    python = scale_sim_python(BUILD)
    padded = layer.size + KERNEL - 1
    shape = (padded, padded, KERNEL, KERNEL, layer.channels, layer.channels, 1)
    with tempfile.TemporaryDirectory(prefix="scale-sim-") as name:
        folder = Path(name)
        (folder / "scale.cfg").write_text(CONFIG)
        (folder / "layout.csv").write_text(LAYOUT)
        fields = "".join(f"{value}," for value in shape)
        (folder / "topology.csv").write_text(f"layer, shape\nlayer,{fields}\n")
        script = Path(__file__).with_name("run_layer.py")
        finished = subprocess.run(
            [str(python), str(script), str(folder)], capture_output=True, text=True, check=False
        )
        report = folder / "reports" / "layer" / "COMPUTE_REPORT.csv"
        if finished.returncode or not report.exists():
            raise ToolError(f"SCALE-Sim failed:\n{(finished.stdout + finished.stderr)[-SHOWN:]}")
        return ScaleSimRun(_total_cycles(report), float(finished.stdout.split()[-1]))


def _total_cycles(report: Path) -> int:
    with report.open(newline="") as file:
        names, values = list(csv.reader(file))[:2]
    return int(dict(zip((name.strip() for name in names), values, strict=True))["Total Cycles"])

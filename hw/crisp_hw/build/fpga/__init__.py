"""FPGA builds with yosys and nextpnr: area, clock and critical path of a component on a board."""

from crisp_hw.build.fpga.compare import Comparison, dense_equivalent
from crisp_hw.build.fpga.flow import Job, Progress, pack, synthesize
from crisp_hw.build.fpga.report import SynthesisReport
from crisp_hw.build.fpga.tools import ToolError

__all__ = [
    "Comparison",
    "Job",
    "Progress",
    "SynthesisReport",
    "ToolError",
    "dense_equivalent",
    "pack",
    "synthesize",
]

# amaranth: UnusedElaboratable=no
"""The LUT RAM: asynchronous reads of what was written."""

import random
from pathlib import Path

import pytest
from amaranth.lib.wiring import Component
from amaranth.sim import Simulator

from crisp_hw.build.fpga.tools import find_yosys, run_tool
from crisp_hw.build.verilog import write_verilog
from crisp_hw.bus.stream_queue import StreamQueue
from crisp_hw.cells import LutRam
from crisp_hw.core.core import CrispCore
from crisp_spec.config import preset
from crisp_spec.errors import ConfigError


def test_reads_follow_a_reference_array():
    generator = random.Random(2)
    width, depth, init = 5, 12, [7, 8, 9]
    dut = LutRam(width=width, depth=depth, init=init)
    words = init + [0] * (depth - len(init))
    checked = 0

    async def testbench(ctx):
        nonlocal checked
        for _ in range(300):
            enable, data = generator.randrange(2), generator.randrange(1 << width)
            write, read = generator.randrange(depth), generator.randrange(depth)
            ctx.set(dut.write_en, enable)
            ctx.set(dut.write_addr, write)
            ctx.set(dut.write_data, data)
            ctx.set(dut.read_addr, read)
            assert ctx.get(dut.read_data) == words[read]
            checked += 1
            await ctx.tick()
            if enable:
                words[write] = data

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(testbench)
    simulator.run()
    assert checked == 300


@pytest.mark.parametrize(
    ("width", "depth", "message"),
    [(0, 4, "`width` must be at least 1, not 0"), (4, 1, "`depth` must be at least 2, not 1")],
)
def test_impossible_sizes_are_refused(width: int, depth: int, message: str):
    with pytest.raises(ConfigError, match=message):
        LutRam(width=width, depth=depth)


def synthesized(component: Component, command: str, folder: Path) -> str:
    """What yosys says of the Verilog of ``component``, synthesized with ``command``."""
    write_verilog(component, "top", folder / "top.v")
    (folder / "synth.ys").write_text(f"read_verilog top.v\n{command} -top top\nstat\n")
    return run_tool(find_yosys(), ["synth.ys"], folder=folder, log="log")


@pytest.mark.parametrize("family", ["ecp5", "gowin", "ice40", "intel_alm", "nexus", "xilinx"])
def test_every_family_finds_a_place_for_it(family: str, tmp_path: Path):
    log = synthesized(StreamQueue(8, 4, registered=False), f"synth_{family}", tmp_path)
    assert "Found and reported 0 problems." in log


@pytest.mark.slow
def test_the_core_maps_to_a_family_without_lut_ram(tmp_path: Path):
    log = synthesized(CrispCore(preset("tiny")), "synth_ice40 -run begin:map_gates", tmp_path)
    assert "SB_RAM40_4K" in log

# amaranth: UnusedElaboratable=no
"""The LUT RAM: asynchronous reads of what was written."""

import random

import pytest
from amaranth.sim import Simulator

from crisp_golden.errors import ConfigError
from crisp_hw.cells import LutRam


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

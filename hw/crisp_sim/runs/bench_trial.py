"""cocotb bench: a wire, to see whether benches run."""

import cocotb
from cocotb.triggers import Timer


@cocotb.test()
async def a_wire_is_what_it_is_set_to(dut):
    for value in (1, 0):
        dut.a.value = value
        await Timer(1, "ns")
        assert dut.y.value == value

"""cocotb bench: what the protocol bench demands is noticed if it fails, and its memory is late."""

import cocotb
import pytest
from cocotb.triggers import ClockCycles, FallingEdge, RisingEdge

from cocotb_tests.protocol.bench_protocol import accelerator, make_program
from cocotb_tests.protocol.external_memory import MAX_LATENCY
from cocotb_tests.protocol.stability import watch_channel
from crisp_sim.accelerator.program_host import SOFT_RESET
from crisp_sim.core.clocking import set_inputs, start_clock
from crisp_spec.commands import Command, Opcode
from crisp_spec.error_codes import ErrorCode

PIXELS = 16
TENSOR = {"planes": 1, "rows": 1, "width": PIXELS, "pitch": PIXELS, "plane": PIXELS, "ring": PIXELS}
END = Command(Opcode.END, {})


@cocotb.test()
async def an_access_outside_the_memory_is_noticed_though_a_reset_follows(dut):
    device, _ = await accelerator(dut, 1)
    del device.memory.data[device.place.program + 4096 :]
    outside = device.place.program + 8192
    await device.start([Command(Opcode.LOAD, {**TENSOR, "offset": outside}), END])
    await ClockCycles(dut.clk, 600)
    await device.write("control", SOFT_RESET)
    while await device.read("status") & 0b101:
        pass
    await device.start(make_program(device))
    with pytest.raises(AssertionError, match=r"address 0x\w+ is outside the memory"):
        await device.wait()


@cocotb.test()
async def a_wrong_byte_is_noticed_after_an_error(dut):
    device, _ = await accelerator(dut, 2)
    program = [*make_program(device)[:-1], bytes(64)]
    aftermath = await device.start(program)
    code, index = await device.wait()
    assert (code, index) == (ErrorCode.ILLEGAL_COMMAND, len(program) - 1)
    aftermath.check(device.contents, code, index)
    last = device.place.space - 1
    device.memory.data[last] ^= 1
    with pytest.raises(AssertionError, match=f"1 bytes differ, the first at {last:#x}"):
        aftermath.check(device.contents, code, index)


async def cycles_until_offer(dut, channel: str, answers: str, last: str = "valid") -> int:
    """Edges of the clock from the next that accepts on one channel of the memory to an offer on another."""
    names = f"{channel}valid", f"{channel}ready", f"{channel}{last}"
    while not all(getattr(dut, f"m_axi_{name}").value for name in names):
        await RisingEdge(dut.clk)
    cycles = 0
    while not getattr(dut, f"m_axi_{answers}valid").value:
        await RisingEdge(dut.clk)
        cycles += 1
    return cycles


@cocotb.test()
async def data_and_answers_come_as_late_as_they_are_said_to(dut):
    device, _ = await accelerator(dut, 3)
    for read, write in ((1, MAX_LATENCY), (2, 1), (MAX_LATENCY, 37)):
        device.set_latency(read, write)
        data = cocotb.start_soon(cycles_until_offer(dut, "ar", "r"))
        answer = cocotb.start_soon(cycles_until_offer(dut, "w", "b", "last"))
        await device.start([Command(Opcode.STORE, {**TENSOR, "segment": 1}), END])
        assert await device.wait() == (ErrorCode.NONE, 0)
        # What is put on the bus at an edge of the clock is seen at the next one.
        assert (await data, await answer) == (read + 1, write + 1)


@cocotb.test()
async def an_offer_that_does_not_stay_is_noticed(dut):
    """The bench takes both sides of a channel whose ports are all inputs; ``rlast`` accepts."""
    await start_clock(dut, m_axi_rvalid=0, m_axi_rlast=0, m_axi_rdata=0)
    seen: list[str] = []
    cocotb.start_soon(watch_channel(dut, "m_axi_r", ["data"], seen, ready="last"))

    async def offer(valid: int, data: int, accepts: int) -> None:
        set_inputs(dut, {"m_axi_rvalid": valid, "m_axi_rdata": data, "m_axi_rlast": accepts})
        await FallingEdge(dut.clk)

    for values in ((0, 1, 0), (1, 2, 0), (1, 2, 0), (1, 2, 1), (1, 3, 1), (0, 0, 0), (1, 4, 1), (0, 5, 0)):
        await offer(*values)
    await offer(1, 6, 0)
    dut.rst.value = 1  # takes everything back
    await offer(0, 6, 0)
    dut.rst.value = 0
    await offer(0, 0, 1)
    assert seen == []
    await offer(1, 1, 0)
    await offer(1, 2, 1)
    assert seen == ["m_axi_r changes what it offers"]
    await offer(1, 3, 0)
    await offer(0, 3, 0)
    assert seen[1:] == ["m_axi_r takes back an offer"]

"""Clock and reset of a device under test, and values through a pipeline of known latency.

Benches live at falling edges: they read the outputs of the cycle that ends, then set the inputs of the next.
"""

from collections.abc import Mapping, Sequence

from cocotb.clock import Clock
from cocotb.triggers import FallingEdge

CLOCK_PERIOD_NS = 10
RESET_CYCLES = 4


async def start_clock(dut, **inputs: int) -> None:
    """Set the inputs to their first values, start the clock and reset the device."""
    set_inputs(dut, inputs)
    dut.rst.value = 1
    Clock(dut.clk, CLOCK_PERIOD_NS, unit="ns").start()
    await pulse_reset(dut)


async def pulse_reset(dut, cycles: int = RESET_CYCLES) -> None:
    """Reset a device for ``cycles`` rising edges, called at a falling one; return with the reset released."""
    dut.rst.value = 1
    for _ in range(cycles):
        await FallingEdge(dut.clk)
    dut.rst.value = 0
    await FallingEdge(dut.clk)


def set_inputs(dut, inputs: Mapping[str, int]) -> None:
    """Set input ports by name to unsigned bit patterns."""
    for name, value in inputs.items():
        getattr(dut, name).value = value


async def through_pipeline(
    dut, inputs: Sequence[Mapping[str, int]], *, output: str, latency: int
) -> list[int]:
    """Set one element of ``inputs`` in every cycle; return the bits of ``output`` for each of them."""
    outputs = []
    for cycle in range(len(inputs) + latency):
        if cycle >= latency:
            outputs.append(getattr(dut, output).value.to_unsigned())
        if cycle < len(inputs):
            set_inputs(dut, inputs[cycle])
        await FallingEdge(dut.clk)
    return outputs

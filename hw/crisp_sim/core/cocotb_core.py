"""The ports of the compute core in cocotb, and a driver on a core that has just been reset.

Python is awake on every clock only while words go in or out; it sleeps while the core computes.
"""

from typing import Any

from cocotb.handle import Immediate
from cocotb.triggers import FallingEdge, RisingEdge, with_timeout
from cocotb.types import LogicArray
from cocotb.utils import get_sim_time

from crisp_sim.core.clocking import CLOCK_PERIOD_NS, start_clock
from crisp_sim.core.core_driver import CoreDriver
from crisp_spec.config import CoreConfig

INPUTS = (
    "job_fields",
    "job_start",
    "fill_en",
    "fill_memory",
    "fill_address",
    "fill_data",
    "read_valid",
    "read_row",
    "read_next_row",
    "read_rotation",
)


class CocotbPorts:
    """The ``CorePorts`` of a ``crisp_core``; its cycles begin at falling edges of the clock.

    Parameters
    ----------
    dut : handle of the core.
    """

    def __init__(self, dut: Any):
        self.dut = dut
        self._falling = FallingEdge(dut.clk)
        self._inputs = {name: getattr(dut, name) for name in INPUTS}

    def set(self, name: str, value: int) -> None:
        """Set an input at once; nobody must have scheduled another value for it in this cycle."""
        # At falling edges nothing else changes, so that inputs need no scheduling by cocotb, which is slow.
        self._inputs[name].value = Immediate(value)

    def get(self, name: str) -> int:
        """Return an output."""
        value = getattr(self.dut, name).value
        return value.to_unsigned() if isinstance(value, LogicArray) else int(value)

    def cycle(self) -> FallingEdge:
        """Wait for the next falling edge."""
        return self._falling

    async def run_job(self, limit: int) -> int:
        """Start a job and sleep until the core is idle.

        Raises
        ------
        SimTimeoutError : it is still busy after ``limit`` cycles.
        """
        busy = self.dut.busy
        self.set("job_start", 1)
        await RisingEdge(busy)
        started = get_sim_time("ns")
        await self._falling
        self.set("job_start", 0)
        await with_timeout(FallingEdge(busy), limit * CLOCK_PERIOD_NS, "ns")
        cycles = round((get_sim_time("ns") - started) / CLOCK_PERIOD_NS)
        await self._falling
        return cycles


async def driven_core(dut: Any, config: CoreConfig) -> CoreDriver:
    """Start the clock of a ``crisp_core``, reset it and return its driver."""
    await start_clock(dut, **dict.fromkeys(INPUTS, 0))
    return CoreDriver(CocotbPorts(dut), config)

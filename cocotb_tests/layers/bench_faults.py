"""cocotb bench: a single wrong bit or cycle is noticed, so that the layer benches prove what they claim."""

from dataclasses import replace

import cocotb
import pytest

from crisp_golden.cycles.core_cycles import CycleCount
from crisp_golden.pack.jobs import Job
from crisp_golden.stimuli.layer_cases import LayerCase, numbered_case
from crisp_sim.core.cocotb_core import driven_core
from crisp_sim.core.core_driver import CoreDriver
from crisp_sim.core.layer_run import check_layer
from crisp_sim.runs.parameters import bench_parameters
from crisp_spec.commands import Memory
from crisp_spec.config import VALUE_BITS, CoreConfig


class WrongWeightDriver(CoreDriver):
    """Loads every job with the sign bit of its first weight flipped."""

    async def load(self, job: Job) -> None:
        """Load the job with that one bit wrong."""
        await super().load(job)
        image = bytearray(job.images[Memory.WEIGHT])
        image[0] ^= 1 << VALUE_BITS - 1
        await self.fill(Memory.WEIGHT, bytes(image))


class SlowWindowDriver(CoreDriver):
    """Makes each window of full tiles one cycle longer, which changes no output."""

    async def load(self, job: Job) -> None:
        """Load the job with that one register wrong."""
        slow = {name: job.fields[name] + 1 for name in ("slot_full", "slot_last")}
        await super().load(replace(job, fields=job.fields | slow))


class WrongCounterDriver(CoreDriver):
    """Reads one cycle too many from the counters."""

    def counters(self) -> CycleCount:
        """Return the counters, off by one."""
        return super().counters() + CycleCount(compute=1)


async def checked_case(dut, driver_class: type[CoreDriver], case_number: int) -> tuple[CoreDriver, LayerCase]:
    """Prove that the case passes without the fault; parameters of every test: config, seed."""
    parameters = bench_parameters()
    config = CoreConfig(**parameters["config"])
    sound = await driven_core(dut, config)
    case = numbered_case(config, seed=parameters["seed"], number=case_number, size=8)
    await check_layer(sound, case)
    return driver_class(sound.ports, config), case


@cocotb.test()
async def a_wrong_weight_bit_fails(dut):
    driver, case = await checked_case(dut, WrongWeightDriver, 1)
    with pytest.raises(AssertionError, match="outputs differ, the first at"):
        await check_layer(driver, case)


@cocotb.test()
async def a_longer_window_fails(dut):
    driver, case = await checked_case(dut, SlowWindowDriver, 1)
    with pytest.raises(AssertionError, match=r"CycleCount.* != CycleCount"):
        await check_layer(driver, case)


@cocotb.test()
async def a_wrong_counter_fails(dut):
    driver, case = await checked_case(dut, WrongCounterDriver, 1)
    with pytest.raises(AssertionError, match=r"CycleCount.* != CycleCount"):
        await check_layer(driver, case)

"""cocotb bench: block-index decoder against the definition of its lists, with a receiver that stalls."""

from itertools import pairwise

import cocotb
import numpy as np
from cocotb.triggers import FallingEdge

from crisp_golden.stimuli.job_windows import decoded_windows
from crisp_golden.stimuli.random_jobs import RandomJob, random_job
from crisp_hw.core.decoder import BlockIndexDecoder
from crisp_hw.core.job import job_layout
from crisp_hw.core.payloads import fill_layout, window_layout
from crisp_sim.core.bits import pack, unpack
from crisp_sim.core.clocking import start_clock
from crisp_sim.runs.parameters import bench_parameters, record_measurements
from crisp_spec.commands import Memory
from crisp_spec.config import CoreConfig
from crisp_spec.latencies import DECODE_INTERVAL

QUIET_CYCLES = 100


@cocotb.test()
async def random_lists_decode_in_order(dut):
    """Parameters: config, seed, cases. Every second case stalls the receiver at random."""
    parameters = bench_parameters()
    config = CoreConfig(**parameters["config"])
    await start_clock(dut, start=0, job=0, fill=0, o_ready=0)
    windows = 0
    for number in range(parameters["cases"]):
        rng = np.random.default_rng((parameters["seed"], number))
        job = random_job(rng, config, row_tiles=6)
        await _load(dut, job)
        expected = list(decoded_windows(job))
        ready = 1.0 if number % 2 == 0 else float(rng.uniform(0.02, 0.6))
        seen, cycles = await _receive(dut, config, rng, len(expected), ready)
        assert len(seen) == len(expected)
        for place, (window, wanted) in enumerate(zip(seen, expected, strict=True)):
            assert window == wanted, f"case {number}, window {place}: {window}, not {wanted}"
        if ready == 1.0:
            gaps = {later - earlier for earlier, later in pairwise(cycles)}
            assert gaps <= {DECODE_INTERVAL}, f"case {number}: cycles between windows are {gaps}"
        windows += len(seen)
    record_measurements({"windows": windows})


async def _load(dut, job: RandomJob) -> None:
    """Fill both memories and set the job."""
    size = job.config.bus_bits // 8
    for memory in (Memory.BLOCK_INDEX, Memory.TAP):
        image = job.chip.memories[memory].tobytes()
        for beat in range(len(image) // size):
            data = int.from_bytes(image[beat * size : (beat + 1) * size], "little")
            values = {"select": 1 << memory, "address": beat, "data": data}
            dut.fill.value = pack(fill_layout(job.config), values)
            await FallingEdge(dut.clk)
    dut.fill.value = 0
    names = BlockIndexDecoder.job_fields
    dut.job.value = pack(job_layout(names), {name: job.fields[name] for name in names})


async def _receive(
    dut, config: CoreConfig, rng: np.random.Generator, count: int, ready_probability: float
) -> tuple[list[dict[str, int]], list[int]]:
    """Start the decoder; return the windows that it hands over, and the cycle of each.

    It must then stay silent. A window that is offered must not change until it is taken.
    """
    layout = window_layout(config)
    seen, cycles, offered = [], [], None
    dut.start.value = 1
    cycle, quiet = 0, 0
    while quiet < QUIET_CYCLES:
        ready = rng.random() < ready_probability
        dut.o_ready.value = int(ready)
        if dut.o_valid.value:
            payload = dut.o_payload.value.to_unsigned()
            assert offered in (None, payload), "the window changed while it waited"
            offered = None if ready else payload
            if ready:
                seen.append(unpack(layout, payload))
                cycles.append(cycle)
        else:
            assert offered is None, "the window vanished while it waited"
        await FallingEdge(dut.clk)
        dut.start.value = 0
        cycle += 1
        quiet = quiet + 1 if len(seen) >= count else 0
        assert cycle < 1000 + 400 * count, f"{len(seen)} of {count} windows after {cycle} cycles"
    return seen, cycles

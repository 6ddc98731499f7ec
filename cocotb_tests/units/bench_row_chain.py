"""cocotb bench: chain of array rows, from weights, beats and drain commands to requantized outputs."""

from dataclasses import replace

import cocotb
import numpy as np
from cocotb.triggers import FallingEdge

from cocotb_tests.units.output_stages import levels_word, random_output_stage
from cocotb_tests.units.row_schedule import PORTS, RowSchedule, random_tile
from crisp_sim.core.bits import to_int8
from crisp_sim.core.clocking import start_clock
from crisp_sim.runs.parameters import bench_parameters, record_measurements
from crisp_spec.config import CoreConfig

# With sums of a few products, these give outputs all over the int8 range.
SHIFTS = (21, 27)


@cocotb.test()
async def tiles_match_golden(dut):
    """Parameters: config, seed, layers, tiles (per layer). The first layer of two runs without gaps.

    One layer of four adds a residual, another one takes maxima.
    """
    parameters = bench_parameters()
    config = CoreConfig(**parameters["config"])
    await start_clock(dut, levels=0, **dict.fromkeys(PORTS, 0))
    compared, distinct = 0, set()
    for number in range(parameters["layers"]):
        rng = np.random.default_rng((parameters["seed"], number))
        pool, residual = number // 2 % 4 == 2, number // 2 % 2 == 1
        stage = random_output_stage(rng, config.rows, residual=residual or pool, shifts=SHIFTS)
        if pool:
            stage = replace(stage, multiplier=np.zeros_like(stage.multiplier))
        schedule = RowSchedule(config, rng, idle=0.0 if number % 2 == 0 else float(rng.uniform(0.05, 0.6)))
        for _ in range(parameters["tiles"]):
            schedule.add(random_tile(rng, config, pool=pool), stage)
        dut.levels.value = levels_word(stage)
        outputs = await _play(dut, schedule)
        assert outputs.keys() == schedule.outputs.keys()
        for when, expected in schedule.outputs.items():
            assert outputs[when] == expected, f"layer {number}, (cycle, row, lane) {when}: {outputs[when]}"
        compared += len(outputs)
        distinct |= set(outputs.values())
    record_measurements({"compared": compared, "distinct": len(distinct)})


async def _play(dut, schedule: RowSchedule) -> dict[tuple[int, int, int], int]:
    """Drive the schedule; return the outputs of the cycles in which it expects some.

    Words that no beat fetches are garbage.
    """
    config, seen = schedule.config, {}
    garbage = int.from_bytes(schedule.rng.bytes(config.word_channels * config.cols), "little")
    idle = {port: 0 for port in PORTS} | {"words": garbage}
    for cycle in range(schedule.cycles + 1):
        y = to_int8(dut.y.value.to_unsigned(), config.rows * config.drain_cols) if cycle else None
        for row, lane in np.ndindex(config.rows, config.drain_cols):
            if (cycle, row, lane) in schedule.outputs:
                assert y is not None
                seen[cycle, row, lane] = int(y[row * config.drain_cols + lane])
        for port in PORTS:
            getattr(dut, port).value = schedule.inputs[port].get(cycle, idle[port])
        await FallingEdge(dut.clk)
    return seen

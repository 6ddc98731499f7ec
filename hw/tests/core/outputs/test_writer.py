"""The output writer against the words and parts that golden assigns to outputs."""

from typing import Any

import numpy as np
import pytest

from crisp_golden.stimuli.random_jobs import RandomJob, random_job
from crisp_golden.stimuli.small_cores import small_core
from crisp_hw.core.outputs.writer import OutputWriter
from crisp_spec.config import CoreConfig
from crisp_spec.latencies import OUTPUT_LATENCY
from hw.tests.simulate import trace

SMALL = {"smem_words": 256, "weight_words": 64, "index_words": 32, "channel_words": 16, "tap_words": 16}
CONFIGS = {
    "four_parts": small_core(2, 2, 2, 4, tile_depth=4, **SMALL),
    "one_part_two_pixels": small_core(8, 4, 4, 2, tile_depth=2, drain_cols=2, **SMALL),
    "all_columns": small_core(4, 4, 2, 4, tile_depth=4, drain_cols=4, **SMALL),
}
LATENCY = 1 + OUTPUT_LATENCY
"""From the last row's drain command to its output."""
SETTLING = 8
"""From start to the first drain command; it takes much longer in the core."""


def pixels_per_command(job: RandomJob) -> int:
    return 1 if job.fields["out_phased"] else job.config.drain_cols


def commands_per_row_tile(job: RandomJob) -> int:
    """Drain commands of one row tile, those beside the image included."""
    v = job.fields
    groups = (v["pixel_tiles"] - 1) * v["depth_full"] + v["depth_last"]
    return groups * job.config.cols // pixels_per_command(job)


def frames_of(job: RandomJob, outputs: np.ndarray, rng: np.random.Generator) -> list[dict[str, Any]]:
    """Drain commands with random pauses, and the rows' outputs, row r being rows - 1 - r cycles early.

    ``outputs`` is int8[commands, drain_cols, rows]. Row tiles end at least four cycles apart, as in the core.
    """
    config, per_tile = job.config, commands_per_row_tile(job)
    begins = np.arange(len(outputs)) % per_tile == 0
    times = SETTLING + np.cumsum(rng.integers(1, 3, len(outputs)) + 3 * begins)
    frames: list[dict[str, Any]] = [{"start": 0} for _ in range(int(times[-1]) + LATENCY + 3)]
    frames[1] = {"start": 1}
    garbage = rng.integers(0, 256, (len(frames), config.rows, config.drain_cols)).tolist()
    for frame, y in zip(frames, garbage, strict=True):
        frame |= {"drain": {"valid": 0, "row_tile_end": 0, "job_end": 0}, "y": y}
    frames[0]["job"] = {name: job.fields[name] for name in OutputWriter.job_fields}
    for command, time in enumerate(times.tolist()):
        frames[time]["drain"] = {
            "valid": 1,
            "row_tile_end": int(command % per_tile == per_tile - 1),
            "job_end": int(command == len(outputs) - 1),
        }
        for row in range(config.rows):
            y = outputs[command, :, row].view(np.uint8).tolist()
            frames[time + LATENCY - (config.rows - 1 - row)]["y"][row] = y
    return frames


def written_words(job: RandomJob, frames: list[dict[str, Any]], memory: np.ndarray) -> int:
    """Apply all writes to ``memory``; return how often ``written`` was high."""
    config, finished = job.config, 0
    for out in trace(OutputWriter(config), frames, ["o", "written"]):
        o = out["o"]
        for bank in range(config.cols):
            if o["valid"] >> bank & 1:
                values = np.frombuffer(o["data"][bank].to_bytes(config.rows, "little"), np.int8)
                part = o["part"].bit_length() - 1
                assert o["part"] == 1 << part
                word = memory[o["rows"][bank] * config.cols + bank]
                word[part * config.rows : (part + 1) * config.rows] = values
        finished += out["written"]
    return finished


def expected_memory(job: RandomJob, outputs: np.ndarray, memory: np.ndarray) -> np.ndarray:
    """What the memory must hold after ``outputs`` int8[commands, drain_cols, rows]."""
    config, v, memory = job.config, job.fields, memory.copy()
    pixels, parts = pixels_per_command(job), config.word_channels // config.rows
    for command, values in enumerate(outputs):
        row_tile, number = divmod(command, commands_per_row_tile(job))
        plane, part = divmod(v["out_part"] + row_tile, parts)
        for place in range(pixels):
            pixel = number * pixels + place
            y, x = divmod(pixel, v["pitch"])
            if x < v["out_width"] and y < v["out_height"]:
                row, position = v["out_base"] + plane * v["out_plane"], v["out_start"] + pixel
                if v["out_phased"]:
                    y += v["out_odd_row"]
                    row += (2 * (y % 2) + x % 2) * v["out_ring"]
                    position = v["out_start"] + y // 2 * v["out_pitch"] + x // 2
                address = row * config.cols + position % (v["out_ring"] * config.cols)
                word = memory[address % config.smem_words]
                word[part * config.rows : (part + 1) * config.rows] = values[place]
    return memory


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
@pytest.mark.parametrize("phased", [0, 1])
def test_outputs_of_random_jobs_reach_their_words_and_nothing_else(config: CoreConfig, phased: int):
    rng = np.random.default_rng(4)
    for _ in range(10):
        job = random_job(rng, config, out_phased=phased)
        count = job.fields["row_tiles"] * commands_per_row_tile(job)
        outputs = rng.integers(-128, 128, (count, config.drain_cols, config.rows)).astype(np.int8)
        memory = rng.integers(-128, 128, (config.smem_words, config.word_channels)).astype(np.int8)
        expected = expected_memory(job, outputs, memory)
        assert written_words(job, frames_of(job, outputs, rng), memory) == 1
        np.testing.assert_array_equal(memory, expected)


def ends_with_an_output(job: RandomJob) -> bool:
    """Whether the last drained pixel is neither in a gap of the grid nor below it."""
    v = job.fields
    return commands_per_row_tile(job) == (v["out_height"] - 1) * v["pitch"] + v["out_width"]


def test_the_last_write_comes_with_written():
    config = CONFIGS["four_parts"]
    rng = np.random.default_rng(5)
    jobs = (random_job(rng, config, out_phased=0) for _ in range(500))
    job = next(job for job in jobs if ends_with_an_output(job))
    outputs = np.zeros((job.fields["row_tiles"] * commands_per_row_tile(job), 1, config.rows), np.int8)
    seen = trace(OutputWriter(config), frames_of(job, outputs, rng), ["o", "written"])
    writes = [cycle for cycle, out in enumerate(seen) if out["o"]["valid"]]
    assert [cycle for cycle, out in enumerate(seen) if out["written"]] == writes[-1:]

"""Random jobs on the whole core, alone and beside other users of its memory; and what the jobs cover."""

from dataclasses import asdict

import numpy as np
import pytest

from crisp_golden.stimuli.random_jobs import RandomJob, random_job
from crisp_golden.stimuli.small_cores import WRAPPING
from crisp_sim.devices import core_verilog
from crisp_sim.runs.runner import Bench, run_bench
from crisp_spec.config import preset

CONFIGS = {"tiny": preset("tiny"), **WRAPPING}
SEED, JOBS = 1, 150


def random_jobs(name: str) -> list[RandomJob]:
    """The jobs that the bench runs alone."""
    return [random_job(np.random.default_rng((SEED, number)), CONFIGS[name]) for number in range(JOBS)]


@pytest.mark.slow
@pytest.mark.parametrize("name", CONFIGS)
def test_random_jobs(name: str):
    config = CONFIGS[name]
    bench = Bench(
        verilog=core_verilog(config),
        top="crisp_core",
        module="cocotb_tests.jobs.bench_jobs",
        tests=2,
        parameters={"config": asdict(config), "seed": SEED, "first": 0, "jobs": JOBS},
    )
    seen = run_bench(bench).measurements
    assert seen["jobs"] == JOBS
    assert seen["reads"] > 1000
    assert seen["late"] > 500
    # Eight banks take random beats as fast as they come.
    assert (seen["waits"] > 0) == (name != "m8")


@pytest.mark.parametrize("name", CONFIGS)
def test_the_jobs_cover_every_mode_and_wrap_every_memory(name: str):
    jobs = random_jobs(name)
    for flag in ("max_pool", "residual", "dense", "uniform", "out_phased", "out_odd_row"):
        assert {job.fields[flag] for job in jobs} == {0, 1}, flag
    config = CONFIGS[name]
    for tensor in ("act", "out", "res"):
        wrapped = [job for job in jobs if np.any(np.diff(job.rows(tensor)) < 0)]
        assert wrapped, f"no {tensor} tensor wraps at the end of the memory"
    rings = [job for job in jobs if output_ring_wraps(job)]
    assert len(rings) >= 20
    if name != "tiny":
        words = [job.fields["weight_base"] + job.windows.sum() * job.fields["load_beats"] for job in jobs]
        assert sum(end > config.weight_words for end in words) >= 10


def output_ring_wraps(job: RandomJob) -> bool:
    """Whether outputs lie on both sides of the end of an output ring."""
    v = job.fields
    grid = (v["out_height"] - 1) * v["pitch"] + v["out_width"]
    return not v["out_phased"] and v["out_start"] + grid > v["out_ring"] * job.config.cols

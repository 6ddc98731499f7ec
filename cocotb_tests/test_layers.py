"""Random layers on the whole core: equal bits and equal cycles, for every M and every kind of layer."""

import shutil
from dataclasses import asdict

import pytest

from cocotb_tests.devices import core_verilog
from cocotb_tests.layers.random_layers import numbered_case
from cocotb_tests.layers.runs import random_layers
from cocotb_tests.runner import Bench, run_bench
from cocotb_tests.tb.layer_run import LayerCase
from crisp_golden.config import CoreConfig, preset

CONFIGS = {
    "tiny": preset("tiny"),
    "small": preset("small"),
    "edge": preset("edge"),
    "m2": CoreConfig(rows=2, cols=4, lanes=2, m=2, smem_words=4096, weight_words=4096),
    "m8": CoreConfig(rows=4, cols=2, lanes=1, m=8, load_rows=2, smem_words=2048, weight_words=4096),
}
CASES = {"tiny": 64, "small": 48, "edge": 24, "m2": 24, "m8": 96}
FIRST = {"tiny": 0, "small": 0, "edge": 48, "m2": 0, "m8": 0}
SEED = 1


def cases(name: str) -> list[LayerCase]:
    """The cases that the tests run on a core."""
    numbers = range(FIRST[name], FIRST[name] + CASES[name])
    return [numbered_case(CONFIGS[name], seed=SEED, number=number, size=12) for number in numbers]


@pytest.mark.parametrize("name", ["tiny", "small", "m2", "m8", pytest.param("edge", marks=pytest.mark.slow)])
def test_random_layers(name):
    bench = random_layers(CONFIGS[name], cases=CASES[name], first=FIRST[name], seed=SEED)
    result = run_bench(bench)
    assert result.measurements["cases"] == CASES[name]


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("iverilog") is None, reason="Icarus Verilog is not installed")
def test_random_layers_on_icarus():
    result = run_bench(random_layers(CONFIGS["tiny"], cases=20, first=1000, size=4), sim="icarus")
    assert result.measurements["cases"] == 20


def test_a_wrong_bit_or_cycle_fails():
    bench = Bench(
        verilog=core_verilog(CONFIGS["tiny"]),
        top="crisp_core",
        module="cocotb_tests.layers.bench_faults",
        tests=3,
        parameters={"config": asdict(CONFIGS["tiny"]), "seed": SEED},
    )
    assert len(run_bench(bench).tests) == 3

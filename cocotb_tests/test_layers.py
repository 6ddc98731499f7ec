"""Random layers on the whole core: equal bits and equal cycles, for every M and every kind of layer."""

import shutil
from dataclasses import asdict

import pytest

from crisp_golden.arithmetic.network import QuantizedConv
from crisp_golden.pack.jobs import pack_layer
from crisp_golden.pack.windows import window_weights
from crisp_golden.stimuli.layer_cases import KERNELS, KINDS, LayerCase, numbered_case
from crisp_golden.stimuli.small_cores import WRAPPING
from crisp_sim.core.random_layers import random_layers
from crisp_sim.devices import core_verilog
from crisp_sim.runs.runner import Bench, run_bench
from crisp_spec.config import preset

CONFIGS = {
    "tiny": preset("tiny"),
    "small": preset("small"),
    "edge": preset("edge"),
    "m2": WRAPPING["m2"],
    "m8": WRAPPING["m8"],
}
CASES = {"tiny": 64, "small": 48, "edge": 24, "m2": 48, "m8": 96}
FIRST = {"tiny": 0, "small": 0, "edge": 48, "m2": 0, "m8": 0}
SEED = 1


def random_cases(name: str) -> list[LayerCase]:
    """The cases that the tests run on a core."""
    numbers = range(FIRST[name], FIRST[name] + CASES[name])
    return [numbered_case(CONFIGS[name], seed=SEED, number=number, size=12) for number in numbers]


def kind(layer: QuantizedConv) -> str:
    """Full, grouped or depthwise."""
    return "full" if layer.groups == 1 else "depthwise" if layer.weight.shape[1] == 1 else "grouped"


def kept_blocks(layer: QuantizedConv) -> str:
    """Whether the pattern keeps one block in every row, all blocks, or some."""
    if layer.pattern is None:
        return "no pattern"
    kept, columns = int(layer.pattern.block_mask[0].sum()), layer.pattern.block_mask.shape[1]
    return "all" if kept == columns else "one" if kept == 1 else "some"


@pytest.mark.parametrize("name", CONFIGS)
def test_the_cases_cover_kernels_kinds_and_strides(name):
    layers = [case.layer for case in random_cases(name)]
    seen = {(max(layer.kernel), kind(layer)) for layer in layers}
    assert seen == {(kernel, kind) for kernel in KERNELS for kind in KINDS}
    assert {layer.stride for layer in layers} == {1, 2}
    assert {layer.padding == (0, 0) for layer in layers} == {True, False}
    assert {layer.residual is None for layer in layers} == {True, False}
    assert {kept_blocks(layer) for layer in layers} == {"no pattern", "one", "some", "all"}


@pytest.mark.parametrize("name", ["tiny", "small", "m2", "m8"])
def test_the_cases_cover_every_n(name):
    config = CONFIGS[name]
    seen = {window_weights(config, case.layer).n for case in random_cases(name) if case.layer.groups == 1}
    assert seen == set(range(1, config.m + 1))


def test_the_cases_cover_sizes_that_are_multiples_of_nothing():
    cases = [(CONFIGS[name], case) for name in CONFIGS for case in random_cases(name)]
    assert len(cases) >= 200
    odd = [case for _, case in cases if case.x.shape[1] % 2 and case.x.shape[2] % 2]
    ragged = [
        case
        for config, case in cases
        if case.x.shape[0] % config.m and case.x.shape[0] > config.word_channels
    ]
    partial = [case for config, case in cases if case.layer.out_channels % config.rows]
    split = [case for config, case in cases if len(pack_layer(config, case.layer, *case.x.shape[1:])) > 1]
    assert min(len(odd), len(ragged), len(partial)) >= 30
    assert len(split) >= 10


@pytest.mark.slow
@pytest.mark.parametrize("name", CONFIGS)
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

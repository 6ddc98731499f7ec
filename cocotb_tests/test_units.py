"""Every device of the core under random stimulus, exact bits, on Verilator; one of each on Icarus."""

import shutil
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import pytest

from crisp_golden.stimuli.small_cores import WRAPPING
from crisp_sim.devices import DEVICES, device_top, device_verilog
from crisp_sim.runs.runner import Bench, BenchResult, run_bench
from crisp_spec.config import CoreConfig, preset

ROW_CHAIN = "cocotb_tests.units.row_chain:RowChain"
SIMULATORS = ["verilator", *(["icarus"] if shutil.which("iverilog") else [])]

# Shapes with two and eight in a group, several rows per weight word, four parts in an activation word, and
# two or all columns drained at a time.
CONFIGS = {
    "tiny": preset("tiny"),
    "m2": CoreConfig(
        rows=4,
        cols=4,
        lanes=4,
        m=2,
        tile_depth=4,
        load_rows=2,
        smem_words=256,
        weight_words=512,
        drain_cols=2,
    ),
    "m8": CoreConfig(
        rows=4,
        cols=4,
        lanes=2,
        m=8,
        tile_depth=8,
        smem_words=256,
        weight_words=1024,
        drain_cols=4,
        bus_bits=128,
    ),
}

# What is on its way through many rows outlasts a reset of one cycle.
TALL = WRAPPING["m4"]


def run_unit(
    device: str, config: CoreConfig, parameters: Mapping[str, Any], *, sim: str = "verilator", tests: int = 1
) -> BenchResult:
    """Run ``units.bench_<device>`` on the device's Verilog."""
    source = f"crisp_{device}" if f"crisp_{device}" in DEVICES else ROW_CHAIN
    bench = Bench(
        verilog=device_verilog(source, config),
        top=device_top(source),
        module=f"cocotb_tests.units.bench_{device}",
        tests=tests,
        parameters={"config": asdict(config), **parameters},
    )
    return run_bench(bench, sim=sim)


@pytest.mark.parametrize("sim", SIMULATORS)
@pytest.mark.parametrize("name", CONFIGS)
def test_lane(name, sim):
    result = run_unit("lane", CONFIGS[name], {"seed": 1, "groups": 400}, sim=sim)
    assert result.measurements["products"] > 400


@pytest.mark.parametrize("sim", SIMULATORS)
def test_output_lane(sim):
    parameters = {"seed": 2, "layers": 40, "outputs": 200}
    result = run_unit("output_lane", CONFIGS["tiny"], parameters, sim=sim)
    assert result.measurements["distinct"] == 256


@pytest.mark.parametrize("sim", SIMULATORS)
@pytest.mark.parametrize("name", CONFIGS)
def test_activation_memory(name, sim):
    result = run_unit("activation_memory", CONFIGS[name], {"seed": 3, "cycles": 4000}, sim=sim)
    assert result.measurements["compared"] > 2000
    assert result.measurements["refused"] > 200


@pytest.mark.parametrize("sim", SIMULATORS)
@pytest.mark.parametrize("name", CONFIGS)
def test_decoder(name, sim):
    result = run_unit("decoder", CONFIGS[name], {"seed": 4, "cases": 40}, sim=sim)
    assert result.measurements["windows"] > 500


@pytest.mark.parametrize("sim", SIMULATORS)
@pytest.mark.parametrize("name", CONFIGS)
def test_row_chain(name, sim):
    layers = 12 if sim == "verilator" else 4
    result = run_unit("row_chain", CONFIGS[name], {"seed": 5, "layers": layers, "tiles": 5}, sim=sim)
    assert result.measurements["compared"] > 200
    assert result.measurements["distinct"] > 100


@pytest.mark.slow
@pytest.mark.parametrize("config", [CONFIGS["tiny"], TALL], ids=["tiny", "tall"])
def test_core(config):
    run_unit("core", config, {"seed": 6}, tests=9)

"""The accelerator on its AXI ports, on Verilator: every width of the bus, random pauses, errors, resets."""

from dataclasses import asdict

import pytest

from crisp_sim.devices import device_verilog
from crisp_sim.runs.runner import Bench, run_bench
from crisp_spec.config import CoreConfig, preset

# One beat per window at 64 bits, one at 128, and one at 256 with two drained pixels per cycle.
CONFIGS = {
    "tiny": preset("tiny"),
    "bus128": CoreConfig(
        rows=2, cols=4, lanes=4, bus_bits=128, smem_words=1024, weight_words=256, tile_depth=8
    ),
    "bus256": CoreConfig(
        rows=4, cols=4, lanes=8, bus_bits=256, smem_words=1024, weight_words=256, drain_cols=2
    ),
    "two_beats": CoreConfig(rows=2, cols=2, lanes=4, bus_bits=64, smem_words=1024, weight_words=256),
}


def bench(name: str, module: str, tests: int) -> Bench:
    config = CONFIGS[name]
    return Bench(
        verilog=device_verilog("crisp_stc", config),
        top="crisp_stc",
        module=f"cocotb_tests.protocol.{module}",
        tests=tests,
        parameters={"config": asdict(config), "seed": 1, "programs": 2},
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", CONFIGS)
def test_protocol(name):
    assert run_bench(bench(name, "bench_protocol", 7)).measurements["errors"] > 1


def test_what_breaks_a_rule_of_the_bus_is_noticed():
    assert len(run_bench(bench("tiny", "bench_faults", 4)).tests) == 4

"""A whole network through compiler, simulator and RTL: every layer bit-exact, cycles as predicted."""

import pytest

from crisp_cli.rtl.platform import rtl_platform
from crisp_golden.cycles.memory_timing import MemoryTiming
from crisp_sw.flows.program_run import NetworkRun, RunSettings, iss_platform
from crisp_sw.results.network_run import ComparedLayers
from sw.tests.small_programs import CONFIG, small_network


@pytest.mark.slow
def test_a_small_residual_network_is_bit_exact_after_every_layer(tmp_path):
    memory = MemoryTiming(read_latency=30, write_latency=15)
    run = NetworkRun(
        small_network(),
        RunSettings(config=CONFIG, memory=memory, dense=True),
        tmp_path,
        lambda text: None,
        lambda *_: None,
    )
    report = run.run([iss_platform(CONFIG), rtl_platform(CONFIG, memory)])
    assert report.failures() == []
    layers = len(small_network().nodes)
    assert report.totals.compared == ComparedLayers(iss=layers, rtl=layers)
    timed = [result for result in report.runs if result.platform == "rtl"]
    assert {"the whole network", "the dense network"} < {result.unit for result in timed}
    for result in timed:
        assert result.cycles == result.predicted, result.unit
        assert result.counters["total"] == result.cycles

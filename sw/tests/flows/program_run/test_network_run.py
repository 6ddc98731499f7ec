"""A whole network compiled, run and compared; interrupted and taken up again."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from crisp_files.json_values import from_json, to_json
from crisp_golden.arithmetic.network import QuantizedNetwork
from crisp_spec.errors import CapacityError
from crisp_sw.compile.compiler import compile_network
from crisp_sw.driver.simulated_bus import SimulatedBus
from crisp_sw.flows.program_run import NetworkRun, Platform, RunSettings, iss_platform
from crisp_sw.flows.program_run.network_parts import network_parts
from crisp_sw.flows.program_run.program_cache import ProgramCache
from crisp_sw.results.network_run import ComparedLayers, RunFigures, UnitResult
from sw.tests.small_programs import CONFIG, small_network, small_tensors

PARTS = len(network_parts(small_network(), small_tensors()))


def network_run(out: Path, said: list[str]) -> NetworkRun:
    settings = RunSettings(config=CONFIG)
    return NetworkRun(small_network(), settings, out, said.append, lambda *_: None)


def platform(connect: Callable[[], SimulatedBus]) -> Platform:
    return Platform("iss", "test", False, connect)


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> tuple[RunFigures, list[str]]:
    said: list[str] = []
    out = tmp_path_factory.mktemp("run")
    return network_run(out, said).run([iss_platform(CONFIG)]), said


def test_every_layer_is_compared(finished):
    report, said = finished
    layers = len(small_network().nodes)
    assert report.totals.compared == ComparedLayers(iss=layers, rtl=0)
    assert report.totals.bit_exact
    assert report.failures() == []
    assert [layer.exact.iss for layer in report.layers] == [True] * layers
    assert f"iss  {layers}/{layers} fc: bit-exact" in said


def test_the_report_is_json_and_adds_up(finished):
    report, _ = finished
    assert from_json(RunFigures, json.loads(json.dumps(to_json(report))), "report") == report
    totals = report.totals
    assert sum(layer.cycles for layer in report.layers) == totals.cycles_predicted
    assert sum(group.cycles for group in report.groups) == totals.cycles_predicted
    assert totals.bound_overlapped <= totals.cycles_predicted <= totals.unfused_predicted
    assert totals.ideal <= totals.bound
    assert totals.traffic < totals.traffic_unfused
    assert totals.speedup > 2
    assert len(report.runs) == PARTS + 1


def test_layers_have_a_bound_by_their_own_work_and_traffic(finished):
    report, _ = finished
    beat = CONFIG.bus_bits // 8
    for layer in report.layers:
        for costs in (layer, layer.dense):
            bound = costs.bound
            assert bound.compute == costs.ideal
            assert bound.read == -(-costs.read // beat)
            assert bound.write == -(-costs.written // beat)
            assert bound.cycles == max(costs.ideal, bound.read, bound.write)
            assert getattr(bound, bound.limit) == bound.cycles
    assert {layer.bound.limit for layer in report.layers} == {"compute", "read"}
    dense = [layer.dense for layer in report.layers]
    assert sum(costs.cycles for costs in dense) == report.totals.dense_predicted
    assert sum(costs.ideal for costs in dense) > 2 * report.totals.ideal


def test_layers_have_shapes_and_patterns(finished):
    layers = {layer.name: layer for layer in finished[0].layers}
    conv = layers["layer4.1.conv2"]
    assert (conv.K, conv.R, conv.P, conv.n) == (64, 576, 1, 1)
    assert conv.pattern.n == 1
    assert conv.kept_windows < conv.windows
    assert layers["maxpool"].pattern is None
    assert (layers["maxpool"].P, layers["fc"].P) == (64, 1)


def test_an_interrupted_run_continues_where_it_stopped(tmp_path):
    connected = 0

    def connect() -> SimulatedBus:
        nonlocal connected
        connected += 1
        if connected == 4:
            raise KeyboardInterrupt
        return SimulatedBus(CONFIG)

    said: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        network_run(tmp_path, said).run([platform(connect)])
    assert connected == 4
    report = network_run(tmp_path, said).run([platform(connect)])
    assert connected == 4 + PARTS + 1 - 3
    assert report.totals.bit_exact
    network_run(tmp_path, said).run([platform(connect)])
    assert connected == 4 + PARTS + 1 - 3
    assert "iss: the whole network: bit-exact (from a run before)" in said


class Flipping(SimulatedBus):
    """A memory that loses the lowest bit of everything that is read from it."""

    def read_memory(self, address: int, size: int):
        return super().read_memory(address, size) & 0xFE


def test_what_differs_is_named(tmp_path):
    said: list[str] = []
    report = network_run(tmp_path, said).run([platform(lambda: Flipping(CONFIG))])
    assert not report.totals.bit_exact
    problems = report.failures()
    assert any("the whole network" in problem and "fc" in problem for problem in problems)
    assert any("values differ" in line for line in said)
    assert any(layer.exact.iss is False for layer in report.layers)


@pytest.mark.parametrize(("cycles", "fails"), [(0, False), (1010, False), (1011, True), (989, True)])
def test_cycles_that_are_not_as_predicted_are_a_failure(cycles: int, fails: bool):
    result = UnitResult(
        unit="the whole network",
        platform="rtl",
        predicted=1000,
        differing={"fc": 0},
        counters={"total": cycles},
        seconds=1.0,
    )
    expected = f"rtl, the whole network: {cycles:,} cycles, predicted 1,000; expected to be within 1%"
    assert result.failures() == ([expected] if fails else [])


def test_a_dense_network_that_does_not_fit_is_left_out(tmp_path, monkeypatch):
    def compile_unless_dense(cache: ProgramCache, network: QuantizedNetwork, **options: bool):
        if network is not small_network() and len(network.nodes) == len(small_network().nodes):
            raise CapacityError("too dense")
        return compile_network(cache.config, network, **options)

    monkeypatch.setattr(ProgramCache, "compile", compile_unless_dense)
    said: list[str] = []
    report = network_run(tmp_path, said).run([])
    assert "the dense network does not fit: too dense" in said
    assert report.totals.speedup is None
    assert report.totals.dense_predicted is None
    assert {layer.dense is None for layer in report.layers} == {True}

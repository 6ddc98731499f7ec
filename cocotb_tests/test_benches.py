"""Every registered bench exists, and its parameters are those of the request and the simulator."""

import importlib.util
from pathlib import Path

import pytest

from cocotb_tests import benches
from cocotb_tests.benches import BENCHES, RegisteredBench, select
from crisp_sim.devices import DEVICES
from crisp_sim.errors import ToolError
from crisp_spec.config import preset


@pytest.mark.parametrize("registered", BENCHES, ids=lambda bench: bench.name)
def test_a_registered_bench_has_its_device_and_module(registered):
    assert registered.device in DEVICES
    spec = importlib.util.find_spec(registered.module)
    assert spec is not None
    assert spec.origin is not None
    assert Path(spec.origin).read_text().count("@cocotb.test(") == registered.tests


def test_names_are_unique():
    assert len({bench.name for bench in BENCHES}) == len(BENCHES)


def test_parameters_are_those_of_the_request_and_the_simulator(monkeypatch):
    monkeypatch.setattr(benches, "device_verilog", lambda device, config: Path(f"{device}.v"))
    sizes = {"cases": 9, "size": 3}
    registered = RegisteredBench(
        name="x", summary="", device="dut", module="m", parameters=sizes, on_icarus={"cases": 2}
    )
    config = preset("small")
    fast = registered.bench(config, seed=5, sim="verilator")
    slow = registered.bench(config, seed=5, sim="icarus")
    assert (fast.verilog, fast.top, fast.module, fast.tests) == (Path("dut.v"), "dut", "m", 1)
    assert fast.parameters["config"]["rows"] == config.rows
    assert {name: fast.parameters[name] for name in ("seed", *sizes)} == {"seed": 5, "cases": 9, "size": 3}
    assert {name: slow.parameters[name] for name in ("seed", *sizes)} == {"seed": 5, "cases": 2, "size": 3}


def test_selection_is_by_regular_expression():
    assert [bench.name for bench in select("^la")] == ["lane"]
    assert select(None) == list(BENCHES)


@pytest.mark.parametrize(
    ("pattern", "message"),
    [("no_such", "no bench matches 'no_such'; expected one of lane, "), ("(", r"'\(' is not a regular")],
)
def test_a_pattern_that_selects_nothing_is_named(pattern, message):
    with pytest.raises(ToolError, match=message):
        select(pattern)

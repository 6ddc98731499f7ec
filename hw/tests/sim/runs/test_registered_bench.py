"""Benches that are listed: found by module and name, with the parameters of the request and the simulator."""

import sys
from pathlib import Path
from types import ModuleType

import pytest

from crisp_sim.errors import ToolError
from crisp_sim.runs import registered_bench
from crisp_sim.runs.registered_bench import RegisteredBench, load_benches, select_benches
from crisp_spec.config import preset

BENCHES = tuple(
    RegisteredBench(name=name, summary=f"{name} works", device=name, module=name)
    for name in ("lane", "decoder")
)


def test_parameters_are_those_of_the_request_and_the_simulator(monkeypatch):
    monkeypatch.setattr(registered_bench, "device_verilog", lambda device, config: Path(f"{device}.v"))
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
    assert [bench.name for bench in select_benches(BENCHES, "^la")] == ["lane"]
    assert select_benches(BENCHES, None) == list(BENCHES)


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("no_such", "no bench matches 'no_such'; expected one of lane, decoder"),
        ("(", r"'\(' is not a regular"),
    ],
)
def test_a_pattern_that_selects_nothing_is_named(pattern, message):
    with pytest.raises(ToolError, match=message):
        select_benches(BENCHES, pattern)


def module_with(monkeypatch, benches: object) -> str:
    """The name of a module that lists something."""
    module = ModuleType("listed_benches")
    module.BENCHES = benches  # pyright: ignore[reportAttributeAccessIssue]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return module.__name__


def test_benches_of_a_module_are_found(monkeypatch):
    assert load_benches(module_with(monkeypatch, BENCHES)) == BENCHES


@pytest.mark.parametrize("benches", [None, list(BENCHES), ("lane",)])
def test_a_module_without_benches_is_named(monkeypatch, benches):
    with pytest.raises(ToolError, match="module 'listed_benches' has no benches; expected a tuple BENCHES"):
        load_benches(module_with(monkeypatch, benches))


@pytest.mark.parametrize(
    "name", ["no_such_package", "no_such_package.benches", "crisp_sim.no_such_module", "benches.py"]
)
def test_a_module_that_is_not_there_is_named(name):
    with pytest.raises(ToolError, match=f"no module '{name}' is found; expected one that Python can import"):
        load_benches(name)


@pytest.mark.parametrize("name", [".benches", "a b", "../benches", ""])
def test_what_is_no_name_of_a_module_is_named(name):
    with pytest.raises(ToolError, match="is no name of a module; expected one such as"):
        load_benches(name)


def test_a_module_that_cannot_import_what_it_needs_says_so(tmp_path, monkeypatch):
    (tmp_path / "needy_benches.py").write_text("import no_such_package\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="no_such_package"):
        load_benches("needy_benches")

"""A simulator is tried with a wire."""

import shutil

import pytest

from crisp_sim.errors import ToolError
from crisp_sim.runs.trial import try_simulator
from crisp_sim.simulators import simulators
from crisp_sim.simulators.simulators import SIMULATORS

pytestmark = pytest.mark.slow  # Verilator's runtime is compiled, unless it has been before


@pytest.mark.parametrize("sim", SIMULATORS)
def test_a_simulator_that_works_has_nothing_to_say(sim):
    if sim == "icarus" and shutil.which("iverilog") is None:
        pytest.skip("Icarus Verilog is not installed")
    try_simulator(sim)


def test_a_missing_compiler_is_named(monkeypatch):
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(ToolError, match="needs `no-such-compiler`"):
        try_simulator("verilator")


def test_a_simulation_that_does_not_run_is_an_error_of_the_tools(monkeypatch):
    monkeypatch.setattr(simulators.Verilator, "test", lambda self, **arguments: None)
    with pytest.raises(ToolError, match="does not run a model that it has compiled"):
        try_simulator("verilator")

"""The runner passes a bench only when exactly its tests ran and passed, on every simulator installed."""

import shutil
import textwrap
from pathlib import Path

import pytest
from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from crisp_hw.build.verilog import write_verilog
from crisp_sim.errors import BenchError, BuildError, ToolError
from crisp_sim.runs.runner import BUILD, Bench, run_bench

SIMULATORS = ["verilator", *(["icarus"] if shutil.which("iverilog") else [])]

BENCHES = {
    "counting": """
        import random
        import cocotb
        from cocotb.clock import Clock
        from cocotb.triggers import Timer
        from crisp_sim.runs.parameters import bench_parameters, record_measurements

        @cocotb.test()
        async def counts_up_to_the_limit(dut):
            limit = bench_parameters()["limit"]
            dut.rst.value, dut.go.value, dut.limit.value = 1, 0, limit
            Clock(dut.clk, 10, unit="ns").start()
            await Timer(25, unit="ns")
            dut.rst.value, dut.go.value = 0, 1
            await Timer(10 * limit + 100, unit="ns")
            assert int(dut.count.value) == limit
            record_measurements({"count": int(dut.count.value), "random": random.random()})

        @cocotb.test()
        async def busy_falls(dut):
            assert int(dut.busy.value) == 0
            record_measurements({"inner_visible": hasattr(dut, "hidden")})
        """,
    "failing": """
        import cocotb

        @cocotb.test()
        async def holds(dut):
            pass

        @cocotb.test()
        async def breaks(dut):
            assert 6 * 7 == 43, "arithmetic is not what it was"
        """,
    "skipping": """
        import cocotb

        @cocotb.test(skip=True)
        async def never_runs(dut):
            pass
        """,
    "crashing": """
        import os
        import cocotb

        @cocotb.test()
        async def kills_the_simulator(dut):
            os._exit(3)
        """,
    "empty": "",
}


class Counter(wiring.Component):
    """Counts clocks up to a limit; the state decides an output before anything has changed."""

    def __init__(self):
        super().__init__({"go": In(1), "limit": In(16), "count": Out(16), "busy": Out(1)})

    def elaborate(self, platform):
        m = Module()
        hidden = Signal(16)
        m.d.comb += self.count.eq(hidden)
        with m.FSM():
            with m.State("IDLE"), m.If(self.go & (hidden < self.limit)):
                m.next = "COUNT"
            with m.State("COUNT"):
                m.d.comb += self.busy.eq(1)
                m.d.sync += hidden.eq(hidden + 1)
                with m.If(hidden + 1 == self.limit):
                    m.next = "IDLE"
        return m


@pytest.fixture(scope="module")
def build(tmp_path_factory) -> Path:
    """A folder of this file's own for runs; models are shared with whatever else is simulated."""
    folder = tmp_path_factory.mktemp("build")
    (BUILD / "sim").mkdir(parents=True, exist_ok=True)
    (folder / "sim").symlink_to(BUILD / "sim")
    return folder


@pytest.fixture(autouse=True)
def no_waves(monkeypatch):
    """Keep an outer WAVES=1 from changing what is tested."""
    monkeypatch.delenv("WAVES", raising=False)


@pytest.fixture
def bench(build, tmp_path, monkeypatch):
    """Return a function that makes a bench of the counter from one of the modules above."""
    device = build / "counter.v"
    write_verilog(Counter(), "counter", device)
    monkeypatch.syspath_prepend(str(tmp_path))

    def make(name: str, tests: int, *, top: str = "counter", verilog: Path = device) -> Bench:
        module = f"{name}_bench"
        (tmp_path / f"{module}.py").write_text(textwrap.dedent(BENCHES[name]))
        return Bench(verilog=verilog, top=top, module=module, tests=tests, parameters={"limit": 50})

    return make


@pytest.mark.parametrize("sim", SIMULATORS)
def test_a_passing_bench_returns_its_tests_and_measurements(bench, build, sim):
    result = run_bench(bench("counting", 2), sim=sim, seed=7, build=build)
    assert result.tests == ("counting_bench.counts_up_to_the_limit", "counting_bench.busy_falls")
    assert result.seed == 7
    assert result.measurements["count"] == 50
    assert result.waves is None
    assert "counts_up_to_the_limit" in result.log.read_text()


def test_verilator_shows_only_the_ports_of_the_top(bench, build):
    result = run_bench(bench("counting", 2), build=build)
    assert result.measurements["inner_visible"] is False


def test_the_seed_determines_the_random_numbers(bench, build):
    def random_number(seed: int) -> float:
        return run_bench(bench("counting", 2), seed=seed, build=build).measurements["random"]

    assert random_number(1) == random_number(1)
    assert random_number(1) != random_number(2)


@pytest.mark.parametrize("sim", SIMULATORS)
def test_waves_are_recorded_on_request(bench, build, sim):
    result = run_bench(bench("counting", 2), sim=sim, waves=True, build=build)
    assert result.waves is not None
    assert result.waves.suffix == ".fst"
    assert result.waves.stat().st_size > 100


def test_the_environment_can_request_waves(bench, build, monkeypatch):
    monkeypatch.setenv("WAVES", "1")
    result = run_bench(bench("counting", 2), build=build)
    assert result.waves is not None
    assert result.waves.exists()


@pytest.mark.parametrize("sim", SIMULATORS)
@pytest.mark.parametrize("expected", [1, 3])
def test_another_number_of_tests_than_expected_fails(bench, build, sim, expected):
    with pytest.raises(BenchError, match=rf"2 tests ran .*busy_falls.*, expected {expected}"):
        run_bench(bench("counting", expected), sim=sim, build=build)


@pytest.mark.parametrize("sim", SIMULATORS)
def test_a_failing_test_is_named_with_seed_and_log(bench, build, sim):
    with pytest.raises(BenchError) as raised:
        run_bench(bench("failing", 2), sim=sim, seed=12, build=build)
    message = str(raised.value)
    assert "1 of 2 tests did not pass" in message
    assert "failing_bench.breaks: failure: arithmetic is not what it was" in message
    assert "seed 12" in message
    assert "simulation.log" in message
    assert "failing_bench.holds: " not in message


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("skipping", "never_runs: skipped"),
        ("crashing", "ended without writing its results"),
        ("empty", "0 tests ran|ended without writing its results"),
    ],
)
def test_a_bench_that_does_not_run_to_its_end_fails(bench, build, name, complaint):
    with pytest.raises(BenchError, match=complaint):
        run_bench(bench(name, 1), build=build)


def test_a_module_that_does_not_exist_fails(build, bench):
    missing = Bench(verilog=bench("empty", 1).verilog, top="counter", module="no_such_bench", tests=1)
    with pytest.raises(BenchError, match="no_such_bench"):
        run_bench(missing, build=build)


def test_the_results_of_an_earlier_run_do_not_count(bench, build, tmp_path):
    counting = bench("counting", 2)
    run_bench(counting, build=build)
    (tmp_path / "counting_bench.py").write_text("raise SystemExit")
    with pytest.raises(BenchError, match="counting_bench"):
        run_bench(counting, build=build)


@pytest.mark.parametrize("sim", SIMULATORS)
def test_verilog_with_a_syntax_error_shows_the_log(bench, build, tmp_path, sim):
    broken = tmp_path / "broken.v"
    broken.write_text("module counter (\n  input clk\n);\n  wire = 1;\nendmodule\n")
    with pytest.raises(BuildError, match=r"(?s)could not build 'counter'.*syntax error"):
        run_bench(bench("counting", 2, verilog=broken), sim=sim, build=build)


def test_a_top_that_is_not_defined_is_named(bench, build):
    with pytest.raises(BuildError, match="defines no module 'decounter'"):
        run_bench(bench("counting", 2, top="decounter"), build=build)


def test_an_unknown_simulator_is_named(bench, build):
    with pytest.raises(ToolError, match="no simulator 'modelsim'; expected one of verilator, icarus"):
        run_bench(bench("counting", 2), sim="modelsim", build=build)


def test_a_simulator_that_is_not_installed_says_how_to_get_it(bench, build, monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ToolError, match="apt-get install iverilog"):
        run_bench(bench("counting", 2), sim="icarus", build=build)


def test_a_missing_compiler_says_how_to_get_it(bench, build, monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ToolError, match=r"needs `g\+\+`; try `apt-get install g\+\+`"):
        run_bench(bench("counting", 2), build=build)

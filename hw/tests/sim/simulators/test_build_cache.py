"""A model is built once per content, also when several ask at the same time."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from crisp_sim.errors import BuildError
from crisp_sim.simulators.build_cache import BUILD_LOG, built_model, locked, log_tail, model_hash
from crisp_sim.simulators.simulators import Verilator

WIRE = "module wire_only (\n  input a,\n  output y\n);\n  assign y = a;\nendmodule\n"


class CountingSimulator(Verilator):
    """Notes its builds instead of compiling; fails for designs that say so."""

    builds = 0

    def build(self, *, sources, build_dir, hdl_toplevel, log_file, **_):
        self.builds += 1
        Path(log_file).write_text("compiling\n%Error: no such thing\n")
        if "broken" in sources[-1].read_text():
            raise RuntimeError("Command failed with return code: 1")
        (build_dir / hdl_toplevel).write_text("model")


@pytest.fixture
def design(tmp_path) -> Path:
    """A Verilog file."""
    path = tmp_path / "design.v"
    path.write_text(WIRE)
    return path


def test_the_second_request_reuses_the_first_model(design, tmp_path):
    simulator, cache = CountingSimulator(), tmp_path / "cache"
    first = built_model(simulator, design, "wire_only", waves=False, cache=cache)
    second = built_model(simulator, design, "wire_only", waves=False, cache=cache)
    assert first == second
    assert simulator.builds == 1
    assert (first / "wire_only").read_text() == "model"


def test_a_failed_build_is_not_cached_and_shows_its_log(design, tmp_path):
    simulator, cache = CountingSimulator(), tmp_path / "cache"
    design.write_text(WIRE + "// broken\n")
    for attempt in (1, 2):
        with pytest.raises(BuildError, match=r"(?s)could not build 'wire_only'.*no such thing"):
            built_model(simulator, design, "wire_only", waves=False, cache=cache)
        assert simulator.builds == attempt
    assert [path.suffix for path in cache.iterdir()] == [".lock"]


def test_the_hash_depends_on_content_waves_and_options_only(design, tmp_path, monkeypatch):
    def hash_of(path: Path, *, waves: bool = False) -> str:
        return model_hash(Verilator(), path, "wire_only", waves=waves)

    original = hash_of(design)
    copy = tmp_path / "copy.v"
    copy.write_text(WIRE)
    assert hash_of(copy) == original
    assert hash_of(design, waves=True) != original
    copy.write_text(WIRE + "\n")
    assert hash_of(copy) != original
    monkeypatch.setattr(Verilator, "options", ("-O0",))
    assert hash_of(design) != original


def test_the_runtime_is_compiled_once_for_all_designs(design, tmp_path, monkeypatch):
    fast = tuple(re.sub(r"-O\d", "-O0", variable) for variable in Verilator.MAKE_VARIABLES)
    monkeypatch.setattr(Verilator, "MAKE_VARIABLES", fast)

    def compiled_by(contents: str) -> set[str]:
        design.write_text(contents)
        model = built_model(Verilator(), design, "wire_only", waves=False, cache=tmp_path / "cache")
        return set(re.findall(r" -c -o (\w+\.o) ", (model / BUILD_LOG).read_text()))

    first, second = compiled_by(WIRE), compiled_by(WIRE + "// changed\n")
    assert {"verilated.o", "verilated_vpi.o", "verilator.o"} <= first
    assert "verilator.o" in second
    assert [name for name in second if name.startswith("verilated")] == []


def test_concurrent_requests_build_once(design, tmp_path):
    script = f"""
import time
from pathlib import Path
from crisp_sim.simulators.build_cache import built_model
from hw.tests.sim.simulators.test_build_cache import CountingSimulator

class Slow(CountingSimulator):
    def build(self, **arguments):
        time.sleep(0.3)
        super().build(**arguments)

simulator, cache = Slow(), Path({str(tmp_path / "cache")!r})
built_model(simulator, Path({str(design)!r}), "wire_only", waves=False, cache=cache)
print(simulator.builds)
"""
    project = Path(__file__).parents[4]
    processes = [
        subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, cwd=project)
        for _ in range(3)
    ]
    outputs = [process.communicate(timeout=60)[0].strip() for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0]
    assert sorted(outputs) == ["0", "0", "1"]


def test_a_lock_is_released_when_its_holder_fails(tmp_path):
    def fail() -> None:
        with locked(tmp_path / "x.lock"):
            raise ValueError("inside")

    with pytest.raises(ValueError, match="inside"):
        fail()
    with locked(tmp_path / "x.lock"):
        assert (tmp_path / "x.lock").exists()


def test_the_tail_of_a_log_is_its_last_lines(tmp_path):
    log = tmp_path / "log"
    assert log_tail(log) == "(no log was written)"
    log.write_text("one\ntwo\nthree\n")
    assert log_tail(log, lines=2) == "two\nthree"

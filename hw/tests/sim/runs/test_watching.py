"""Measurements are told as they come, and once more at the end."""

import json
import time

from crisp_sim.runs import watching
from crisp_sim.runs.watching import watched


def test_measurements_are_told_while_the_bench_runs(tmp_path, monkeypatch):
    monkeypatch.setattr(watching, "SECONDS", 0.01)
    path, told = tmp_path / "measurements.json", []

    def record(layers: list[str]) -> None:
        path.with_suffix(".partial").write_text(json.dumps({"layers": layers}))
        path.with_suffix(".partial").replace(path)

    with watched(path, told.append):
        record(["a"])
        deadline = time.monotonic() + 30
        while not told and time.monotonic() < deadline:
            time.sleep(0.01)
        assert told == [{"layers": ["a"]}]
        record(["a", "b"])
    assert told == [{"layers": ["a"]}, {"layers": ["a", "b"]}]


def test_what_comes_last_is_told_though_nobody_looked(tmp_path, monkeypatch):
    monkeypatch.setattr(watching, "SECONDS", 60)
    path, told = tmp_path / "measurements.json", []
    with watched(path, told.append):
        path.write_text('{"cycles": 1}')
    assert told == [{"cycles": 1}]

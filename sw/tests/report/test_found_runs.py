"""Results found again, whatever else lies there."""

import json
import os
from pathlib import Path

import pytest

from crisp_sw.report import found_runs
from crisp_sw.report.found_runs import SearchError, find_runs

DEMO = {
    "dataset": "fashion-mnist",
    "classes": ["bag", "coat"],
    "preset": "edge",
    "command": "crisp demo",
    "test_images": 2000,
    "accuracy": {"dense_fine_tuned": 0.99, "int8": 0.98},
    "sparsity": 0.92,
    "totals": {"cycles_rtl": 1000, "cycles_dense": 5000, "bytes_packed": 4096, "speedup": 5.0},
}
NETWORK = {"network": "resnet18", "runs": [], "totals": {"cycles": 7, "speedup": None}}


def put(root: Path, name: str, content: object, *others: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    for other in others:
        (path.parent / other).write_text("")


def test_every_kind_is_found_with_its_page(tmp_path: Path):
    put(tmp_path, "demo/report.json", DEMO, "report.html")
    put(tmp_path, "runs/r18/report.json", NETWORK, "report.html")
    put(tmp_path, "seen/inspect.json", {"path": "net"}, "inspect.html", "summary.md")
    put(tmp_path, "trained/train.json", {"dataset": "digits"}, "summary.md")
    put(tmp_path, "other/settings.json", {"accuracy": 1})
    runs = {str(run.directory): run for run in find_runs(tmp_path)}
    assert {name: (run.step, run.page) for name, run in runs.items()} == {
        "demo": ("demo", "report.html"),
        "runs/r18": ("network", "report.html"),
        "seen": ("inspect", "inspect.html"),
        "trained": ("train", "summary.md"),
    }
    assert runs["demo"].figures == {"cycles": 1000, "speedup": 5.0, "accuracy": 0.98}
    user = runs["demo"].user
    assert user is not None
    assert (user.classes, user.images, user.cycles_dense) == (("bag", "coat"), 2000, 5000)
    assert runs["runs/r18"].figures == {"cycles": 7}
    assert runs["runs/r18"].user is None


def test_what_a_demo_keeps_below_its_report_is_no_other_run(tmp_path: Path):
    put(tmp_path, "demo/report.json", DEMO)
    put(tmp_path, "demo/pruned/prune.json", DEMO)
    put(tmp_path, "mine/prune.json", DEMO)
    assert [str(run.directory) for run in find_runs(tmp_path)] == ["demo", "mine"]


@pytest.mark.parametrize(
    "change",
    [
        {"totals": 3, "accuracy": []},
        {"accuracy": {"int8": float("nan"), "dense": "x", "pruned": 7}, "test_images": -1},
        {"classes": {"a": 1}, "sparsity": True, "totals": {"cycles_rtl": [1], "bytes_packed": 1e300}},
    ],
)
def test_figures_that_are_none_are_left_out(tmp_path: Path, change: dict):
    put(tmp_path, "demo/report.json", {**DEMO, **change})
    (run,) = find_runs(tmp_path)
    assert run.user is not None
    for value in (*run.figures.values(), *run.user.accuracy.values()):
        assert 0 <= value <= 1e15
    assert run.user.images is None or run.user.images >= 1


@pytest.mark.parametrize(
    ("text", "problem"),
    [("[" * 100_000, "not valid JSON"), ("[1]", "expected a JSON object"), ('{"a"', "not valid JSON")],
)
def test_damaged_files_are_named_with_the_reason(tmp_path: Path, text: str, problem: str):
    put(tmp_path, "bad/prune.json", text)
    (run,) = find_runs(tmp_path)
    assert problem in run.problem


def test_pipes_links_and_hidden_directories_do_no_harm(tmp_path: Path):
    put(tmp_path, ".hidden/prune.json", DEMO)
    put(tmp_path, "one/prune.json", DEMO)
    (tmp_path / "one" / "again").symlink_to(tmp_path)
    os.mkfifo(tmp_path / "train.json")
    runs = find_runs(tmp_path)
    assert [(str(run.directory), bool(run.problem)) for run in runs] == [(".", True), ("one", False)]
    assert "a named pipe" in runs[0].problem


def test_there_is_an_end_to_searching(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(found_runs, "MOST_DIRECTORIES", 3)
    for name in "abc":
        (tmp_path / name).mkdir()
    with pytest.raises(SearchError, match="more than 3 directories below"):
        find_runs(tmp_path)
    with pytest.raises(SearchError, match="is no directory; expected one with results"):
        find_runs(tmp_path / "none")

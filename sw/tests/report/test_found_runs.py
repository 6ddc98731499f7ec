"""Results found again, whatever else lies there."""

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from crisp_files.documents import Document, document_json, document_text
from crisp_files.json_values import to_json
from crisp_sw.report import found_runs
from crisp_sw.report.found_runs import SearchError, find_runs
from sw.tests.report.network_reports import made_up_report
from sw.tests.report.small_results import DEMO, EVALUATED, INSPECTED, PRUNED, TRAINED


def put(root: Path, name: str, content: object, *others: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(_text(content))
    for other in others:
        (path.parent / other).write_text("")


def _text(content: object) -> str:
    if isinstance(content, Document):
        return document_text(content)
    return content if isinstance(content, str) else json.dumps(content)


def test_every_kind_is_found_with_its_page(tmp_path: Path):
    put(tmp_path, "demo/report.json", DEMO, "report.html")
    put(tmp_path, "runs/r50/report.json", made_up_report(), "report.html")
    put(tmp_path, "seen/inspect.json", INSPECTED, "inspect.html", "summary.md")
    put(tmp_path, "trained/train.json", TRAINED, "summary.md")
    put(tmp_path, "judged/evaluate.json", EVALUATED, "summary.md")
    put(tmp_path, "other/settings.json", {"accuracy": 1})
    runs = {str(run.directory): run for run in find_runs(tmp_path)}
    assert {name: (run.step, run.page) for name, run in runs.items()} == {
        "demo": ("demo", "report.html"),
        "judged": ("evaluate", "summary.md"),
        "runs/r50": ("network", "report.html"),
        "seen": ("inspect", "inspect.html"),
        "trained": ("train", "summary.md"),
    }
    assert runs["demo"].figures == {"cycles": 2000, "speedup": 6.5, "accuracy": 0.98}
    user = runs["demo"].user
    assert user is not None
    assert (user.classes, user.images, user.speedup) == (("bag", "coat"), 2000, 6.5)
    totals = made_up_report().totals
    assert runs["runs/r50"].figures == {"cycles": totals.cycles, "speedup": totals.speedup}
    assert runs["runs/r50"].user is None
    assert (runs["trained"].what, runs["trained"].figures) == ("digits", {"accuracy": 0.9})
    assert (runs["judged"].what, runs["judged"].figures) == ("build/network", {"accuracy": 0.97})
    assert runs["seen"].figures == {"cycles": 1000, "speedup": 8}


def test_what_a_demo_keeps_below_its_report_is_no_other_run(tmp_path: Path):
    put(tmp_path, "demo/report.json", DEMO)
    put(tmp_path, "demo/pruned/prune.json", PRUNED)
    put(tmp_path, "mine/prune.json", PRUNED)
    assert [str(run.directory) for run in find_runs(tmp_path)] == ["demo", "mine"]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"totals": 3}, "`crisp-demo.totals` must be an object, not 3"),
        ({"accuracy": []}, "`crisp-demo.accuracy` must be an object, not []"),
        ({"accuracy": {"int8": float("nan")}}, "`crisp-demo.accuracy.int8` must be a finite number, not nan"),
        ({"accuracy": {"pruned": 7}}, "`pruned` must be from 0 to 1, not 7.0"),
        ({"classes": {"a": 1}}, "`crisp-demo.classes` must be a list, not {'a': 1}"),
        ({"layers": [], "totals": {}}, "`crisp-demo.totals` must be an object of "),
        ({"version": 2}, "report.json: 'crisp-demo' of version 2; expected 'crisp-demo' of version 1"),
    ],
)
def test_a_result_of_another_version_or_by_hand_is_named_with_the_reason(
    tmp_path: Path, change: dict, problem: str
):
    put(tmp_path, "demo/report.json", {**document_json(DEMO), **change})
    (run,) = find_runs(tmp_path)
    assert problem in run.problem
    assert (run.step, run.user, run.figures) == ("demo", None, {})


def test_a_demo_without_layers_is_named_too(tmp_path: Path):
    values = {**document_json(DEMO), "layers": []}
    del values["totals"]
    put(tmp_path, "demo/report.json", values)
    assert "the report has no layers" in find_runs(tmp_path)[0].problem


def test_results_from_before_there_were_versions_are_found_if_nothing_has_changed(tmp_path: Path):
    for name, document in (("demo/report", DEMO), ("pruned/prune", PRUNED), ("net/report", made_up_report())):
        put(tmp_path, f"{name}.json", to_json(document))
    assert [(run.step, run.problem) for run in find_runs(tmp_path)] == [
        ("demo", ""),
        ("network", ""),
        ("prune", ""),
    ]


def test_images_that_nobody_counted_give_no_intervals(tmp_path: Path):
    put(tmp_path, "demo/report.json", replace(DEMO, test_images=-1))
    (run,) = find_runs(tmp_path)
    assert run.user is not None
    assert run.user.images is None


@pytest.mark.parametrize(
    ("text", "problem"),
    [("[" * 100_000, "not valid JSON"), ("[1]", "expected a JSON object"), ('{"a"', "not valid JSON")],
)
def test_damaged_files_are_named_with_the_reason(tmp_path: Path, text: str, problem: str):
    put(tmp_path, "bad/prune.json", text)
    (run,) = find_runs(tmp_path)
    assert problem in run.problem


def test_pipes_links_and_hidden_directories_do_no_harm(tmp_path: Path):
    put(tmp_path, ".hidden/prune.json", PRUNED)
    put(tmp_path, "one/prune.json", PRUNED)
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

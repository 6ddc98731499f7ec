"""``crisp inspect`` of networks that a core takes only because they are sparse."""

import json
from pathlib import Path

import pytest

from crisp_sw.exchange.packed import save_network
from sw.tests.cli.runner import crisp
from sw.tests.small_programs import wide_network


@pytest.fixture
def wide(tmp_path) -> Path:
    save_network(wide_network(), tmp_path / "wide")
    return tmp_path / "wide"


def test_everything_but_the_dense_cycles_is_shown(wide, tmp_path):
    compiled = crisp("compile", wide, "--preset", "tiny", "--out", tmp_path / "wide.crisp")
    assert compiled.exit_code == 0, compiled.stderr
    result = crisp("inspect", wide, "--preset", "tiny", "--program", "--out", tmp_path / "out")
    assert result.exit_code == 0, result.stderr
    rows = [line.split() for line in result.stdout.splitlines()]
    by_name = {row[0]: row[1:] for row in rows if row}
    assert by_name["0"][3:6] == ["16", "1:4", "1/288"]
    assert by_name["0"][-2:] == by_name["total"][-2:] == ["-", "-"]
    assert by_name["4"][3:6] == ["-", "dense", "-"]
    assert "no speedup  dense, 0 would not fit the preset tiny (" in result.stdout
    assert "of traffic; dense, it does not fit" in result.stdout
    figures = json.loads((tmp_path / "out" / "inspect.json").read_text())
    assert figures["layers"][0]["cycles_dense"] is None
    assert figures["layers"][0]["dense_does_not_fit"]
    assert figures["totals"]["speedup"] is None
    assert "- **no speedup**: dense, 0 would" in (tmp_path / "out" / "summary.md").read_text()


def test_core_that_takes_it_dense_has_its_speedup(wide):
    result = crisp("inspect", wide, "--preset", "edge")
    assert "over dense on preset edge, layer by layer" in result.stdout
    assert "no speedup" not in result.stdout


def test_names_are_no_markup(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save_network(wide_network(), "[/odd]")
    result = crisp("inspect", "[/odd]")
    assert result.exit_code == 0, result.stderr
    assert result.stdout.startswith("[/odd]: image of 512 x 4 x 4")

"""Results of a step replace its own older ones and nothing else."""

import json

import pytest

from crisp_files.atomic_directories import OccupiedDirectoryError
from crisp_sw.flows.steps.step_directory import SUMMARY_FILE, require_free, write_step


def test_writes_and_replaces(tmp_path):
    write_step(tmp_path / "out", "evaluate", {"accuracy": 0.5}, {SUMMARY_FILE: "half"})
    write_step(tmp_path / "out", "evaluate", {"accuracy": 1.0}, {SUMMARY_FILE: "all"})
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["evaluate.json", SUMMARY_FILE]
    assert json.loads((tmp_path / "out" / "evaluate.json").read_text()) == {"accuracy": 1.0}


def test_keeps_what_is_not_its_own(tmp_path):
    write_step(tmp_path / "out", "evaluate", {}, {})
    with pytest.raises(
        OccupiedDirectoryError, match="is no result of `crisp inspect`; expected a new or empty"
    ):
        write_step(tmp_path / "out", "inspect", {}, {})
    with pytest.raises(OccupiedDirectoryError):
        require_free(tmp_path, "inspect")
    require_free(tmp_path / "new", "inspect")

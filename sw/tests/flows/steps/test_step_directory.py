"""Results of a step replace its own older ones and nothing else."""

from dataclasses import replace

import pytest

from crisp_files.atomic_directories import OccupiedDirectoryError
from crisp_files.documents import read_document
from crisp_sw.flows.steps.step_directory import SUMMARY_FILE, require_free, write_step
from crisp_sw.results.steps import EvaluateStep
from sw.tests.report.small_results import EVALUATED, INSPECTED


def test_writes_and_replaces(tmp_path):
    write_step(tmp_path / "out", "evaluate", replace(EVALUATED, images=5), {SUMMARY_FILE: "half"})
    write_step(tmp_path / "out", "evaluate", EVALUATED, {SUMMARY_FILE: "all"})
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["evaluate.json", SUMMARY_FILE]
    assert read_document(EvaluateStep, tmp_path / "out" / "evaluate.json") == EVALUATED


def test_keeps_what_is_not_its_own(tmp_path):
    write_step(tmp_path / "out", "evaluate", EVALUATED, {})
    with pytest.raises(
        OccupiedDirectoryError, match="is no result of `crisp inspect`; expected a new or empty"
    ):
        write_step(tmp_path / "out", "inspect", INSPECTED, {})
    with pytest.raises(OccupiedDirectoryError):
        require_free(tmp_path, "inspect")
    require_free(tmp_path / "new", "inspect")

"""``crisp index``."""

from pathlib import Path

from typer.testing import CliRunner

from crisp_cli.program import app
from crisp_files.documents import write_document
from sw.tests.report.small_results import TRAINED


def test_the_page_is_written_beside_the_runs(tmp_path: Path):
    (tmp_path / "one").mkdir()
    write_document(tmp_path / "one" / "train.json", TRAINED)
    result = CliRunner().invoke(app, ["index", str(tmp_path)])
    assert (result.exit_code, result.stdout.split(":")[0]) == (0, "1 results")
    assert "crisp train" in (tmp_path / "index.html").read_text()
    again = CliRunner().invoke(app, ["index", str(tmp_path)])
    assert again.stdout == result.stdout


def test_mistakes_are_said(tmp_path: Path):
    for arguments, message in (
        ([str(tmp_path / "none")], "is no directory"),
        ([str(tmp_path), "--clock", "nan"], "the clock must be above 0"),
        ([str(tmp_path), "--clock", "0"], "the clock must be above 0"),
    ):
        result = CliRunner().invoke(app, ["index", *arguments])
        assert (result.exit_code, message in " ".join(result.stderr.split())) == (2, True)

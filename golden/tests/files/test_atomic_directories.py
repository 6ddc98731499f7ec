"""A directory appears with all its files, or stays what it was."""

import os
from pathlib import Path

import pytest

from crisp_files.atomic_directories import (
    OccupiedDirectoryError,
    is_free,
    new_directory,
    require_own,
    require_replaceable,
)


def test_replaces_what_was_there(tmp_path):
    for content in ("one", "two"):
        with new_directory(tmp_path / "a" / "b") as temporary:
            (temporary / content).write_text(content)
    assert [path.name for path in (tmp_path / "a" / "b").iterdir()] == ["two"]
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["b"]


def test_an_error_leaves_everything_as_it_was(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "before").touch()
    with pytest.raises(RuntimeError), new_directory(tmp_path / "out") as temporary:  # noqa: PT012
        (temporary / "half").touch()
        raise RuntimeError
    assert [path.name for path in tmp_path.rglob("*")] == ["out", "before"]


def test_an_interrupt_between_the_two_renamings_loses_nothing(tmp_path, monkeypatch):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "before").touch()
    rename = os.replace

    def interrupted(source: Path, target: Path) -> None:
        if source.suffix == ".tmp":
            raise KeyboardInterrupt
        rename(source, target)

    monkeypatch.setattr(os, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt), new_directory(tmp_path / "out"):
        pass
    assert [path.name for path in tmp_path.rglob("*")] == ["out", "before"]


def test_a_link_leads_to_the_directory_that_is_written(tmp_path):
    (tmp_path / "large disk").mkdir()
    (tmp_path / "out").symlink_to(tmp_path / "large disk")
    for content in ("one", "two"):
        with new_directory(tmp_path / "out") as temporary:
            (temporary / content).touch()
    assert (tmp_path / "out").is_symlink()
    assert [path.name for path in (tmp_path / "large disk").iterdir()] == ["two"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["large disk", "out"]


def test_is_free(tmp_path):
    assert is_free(tmp_path / "nothing")
    assert is_free(tmp_path)
    (tmp_path / "file").touch()
    assert not is_free(tmp_path)
    assert not is_free(tmp_path / "file")


def test_only_an_older_result_alone_is_replaced(tmp_path):
    kept = tmp_path / "kept"
    require_replaceable(kept, "result", ("result.json", "notes.md"))
    kept.mkdir()
    require_replaceable(kept, "result", ("result.json", "notes.md"))
    (kept / "notes.md").touch()
    with pytest.raises(OccupiedDirectoryError, match="kept exists and is no result; expected a new or empty"):
        require_replaceable(kept, "result", ("result.json", "notes.md"))
    (kept / "result.json").touch()
    require_replaceable(kept, "result", ("result.json", "notes.md"))
    (kept / "thesis.tex").touch()
    with pytest.raises(
        OccupiedDirectoryError, match=r"is a result, but has 'thesis\.tex' too, which would be lost"
    ):
        require_replaceable(kept, "result", ("result.json", "notes.md"))
    with pytest.raises(OccupiedDirectoryError, match=r"notes\.md exists and is no result"):
        require_replaceable(kept / "notes.md", "result", ("result.json",))


@pytest.mark.parametrize("path", ["", ".", "..", "/", "build/.."])
def test_a_path_without_a_name_is_refused(path):
    with pytest.raises(OccupiedDirectoryError, match=r"has no name; expected a path such as build/result"):
        require_replaceable(Path(path), "result", ("result.json",))


def test_a_run_adds_to_nothing_of_others(tmp_path):
    names = ("report.json", "results")
    require_own(tmp_path / "new" / "run", "run", names)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / ".run.lock").touch()
    (tmp_path / "results").mkdir()
    require_own(tmp_path, "run", names)
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(
        OccupiedDirectoryError, match=r"has 'thesis.tex', which is no part of a run; expected"
    ):
        require_own(tmp_path, "run", names)
    with pytest.raises(OccupiedDirectoryError, match="is no directory"):
        require_own(tmp_path / "thesis.tex", "run", names)
    with pytest.raises(OccupiedDirectoryError, match="has no name"):
        require_own(Path(".."), "run", names)

"""A directory appears with all its files, or stays what it was."""

import pytest

from crisp_sw.atomic_directories import is_free, new_directory


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


def test_is_free(tmp_path):
    assert is_free(tmp_path / "nothing")
    assert is_free(tmp_path)
    (tmp_path / "file").touch()
    assert not is_free(tmp_path)
    assert not is_free(tmp_path / "file")

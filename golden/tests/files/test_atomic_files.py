"""A file appears whole, or stays what it was."""

import os

import pytest

from crisp_files.atomic_files import FileNameError, require_new_file, write_bytes, write_text


def test_writes_and_replaces_and_leaves_nothing_else(tmp_path):
    for content in (b"one", b"two"):
        write_bytes(tmp_path / "a" / "file", content)
        assert (tmp_path / "a" / "file").read_bytes() == content
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["file"]


def test_an_error_leaves_everything_as_it_was(tmp_path, monkeypatch):
    write_bytes(tmp_path / "file", b"before")

    def fail(*_: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="no space left"):
        write_bytes(tmp_path / "file", b"after")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_bytes() == b"before"


def test_a_directory_is_no_file(tmp_path):
    with pytest.raises(FileNameError, match="is a directory; expected the name of a file"):
        write_bytes(tmp_path, b"")


def test_a_file_does_not_take_the_place_of_a_pipe_or_device(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    (tmp_path / "link").symlink_to(pipe)
    for path in (pipe, tmp_path / "link"):
        for write in (lambda path: write_bytes(path, b""), require_new_file):
            with pytest.raises(FileNameError, match="is no regular file; expected the name of a file"):
                write(path)
    assert pipe.is_fifo()


def test_a_link_leads_to_the_file_that_is_written(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere" / "file")
    require_new_file(tmp_path / "link")
    write_bytes(tmp_path / "link", b"content")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "elsewhere" / "file").read_bytes() == b"content"


def test_text_is_written_as_it_is_and_its_place_returned(tmp_path):
    for text in ("one\n", "zwei ö\n"):
        path = write_text(tmp_path / "a" / "file", text)
        assert path.read_bytes() == text.encode()
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["file"]
    (tmp_path / "link").symlink_to("a/file")
    write_text(tmp_path / "link", "three")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "a" / "file").read_text() == "three"

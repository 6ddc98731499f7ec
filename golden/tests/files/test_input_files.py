"""Only regular files are opened, whatever stands at a path, and only as much is read as was allowed."""

import os
import pickle
import socket
import subprocess
import sys

import pytest

from crisp_files.input_files import InputFileError, open_regular, read_regular
from crisp_spec.errors import CrispError


@pytest.fixture
def things(tmp_path, monkeypatch):
    """A path of each kind that is no regular file."""
    monkeypatch.chdir(tmp_path)  # the name of a socket must be short
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket")
        yield tmp_path


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("folder", "a directory"),
        ("pipe", "a named pipe"),
        ("link", "a named pipe"),
        ("socket", "a socket"),
        ("/dev/zero", "a device"),
    ],
)
def test_what_is_no_regular_file_is_named(things, name, kind):
    with pytest.raises(InputFileError) as caught:
        open_regular(things / name)
    assert str(caught.value) == f"{things / name}: {kind}; expected a regular file"
    assert isinstance(caught.value, CrispError)
    assert isinstance(caught.value, OSError)
    assert caught.value.strerror == f"{kind}; expected a regular file"


def test_a_file_that_became_a_pipe_is_noticed(things, monkeypatch):
    (things / "file").touch()
    regular = os.stat(things / "file")
    monkeypatch.setattr(os, "stat", lambda _: regular)
    with pytest.raises(InputFileError, match="a named pipe; expected a regular file"):
        open_regular(things / "pipe")


def test_files_and_links_to_them_are_read(tmp_path):
    (tmp_path / "file").write_bytes(b"four")
    (tmp_path / "link").symlink_to("file")
    for name in ("file", "link"):
        assert read_regular(tmp_path / name, 4) == b"four"
        with open_regular(str(tmp_path / name)) as file:
            assert file.read() == b"four"


def test_no_child_inherits_the_file(tmp_path):
    (tmp_path / "file").touch()
    with open_regular(tmp_path / "file") as file:
        child = f"import os; os.fstat({file.fileno()})"
        run = subprocess.run([sys.executable, "-c", child], close_fds=False, capture_output=True)
    assert b"Bad file descriptor" in run.stderr


def test_a_file_that_is_too_large_is_refused_unread(tmp_path):
    with open(tmp_path / "file", "wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(InputFileError, match=r"file: 1099511627776 bytes; expected at most 5$"):
        read_regular(tmp_path / "file", 5)


def test_an_absent_file_is_absent(tmp_path):
    with pytest.raises(FileNotFoundError):
        open_regular(tmp_path / "file")


def test_the_error_passes_from_process_to_process(tmp_path):
    with pytest.raises(InputFileError) as caught:
        open_regular(tmp_path)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)

"""An output has one run at a time: what another holds is refused, what it leaves behind is taken over."""

import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from crisp_files.output_lock import OutputInUseError, locked_output
from crisp_spec.errors import CrispError

HOLD = """
import sys, time
from pathlib import Path
from crisp_files.output_lock import locked_output
with locked_output(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path):
    """Another process that holds the output."""
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path / "out")], stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_an_output_in_use_is_refused_however_it_is_spelled(holder, tmp_path, monkeypatch):
    (tmp_path / "link").symlink_to(tmp_path / "out")
    monkeypatch.chdir(tmp_path)
    for path in (tmp_path / "out", Path("out"), tmp_path / "x" / ".." / "out", tmp_path / "link"):
        with pytest.raises(OutputInUseError, match="is being written by another run"):
            locked_output(path).__enter__()
    with locked_output(tmp_path / "other"):
        pass


def test_a_run_that_was_killed_holds_nothing(holder, tmp_path):
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    assert (tmp_path / ".out.lock").exists()
    with locked_output(tmp_path / "out"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_left_even_if_the_run_fails(tmp_path):
    with suppress(CrispError), locked_output(tmp_path / "deep" / "down" / "out"):
        assert (tmp_path / "deep" / "down" / ".out.lock").is_file()
        raise CrispError("something else")
    assert list(tmp_path.iterdir()) == []


def test_the_output_may_be_replaced_while_it_is_held(tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    with locked_output(out):
        out.rename(tmp_path / "old")
        out.mkdir()
        with pytest.raises(OutputInUseError):
            locked_output(out).__enter__()
    assert out.is_dir()


def test_waiting_takes_turns(tmp_path):
    out, inside, most = tmp_path / "out", [], []

    def run() -> None:
        for _ in range(20):
            with locked_output(out, wait=True):
                inside.append(1)
                most.append(len(inside))
                inside.pop()

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1] * 80
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_place_that_cannot_be_written_is_left_to_the_first_write(tmp_path):
    tmp_path.chmod(0o500)
    with locked_output(tmp_path / "out"):
        pass


def test_a_path_without_a_name_is_left_to_the_first_write():
    with locked_output(Path("/")):
        pass
    with locked_output(Path(__file__) / "below" / "a" / "file"):
        pass

"""Ctrl-C before a command runs: one line and status 130, whatever is being imported."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from crisp_cli.__main__ import interrupt

# An import under way that is interrupted, and that goes on all the same, as torch's does.
SWALLOWS = """
import os, signal
try:
    os.kill(os.getpid(), signal.SIGINT)
except BaseException:
    pass
"""


def test_an_interrupt_in_an_import_ends_the_program_in_one_line(tmp_path: Path):
    (tmp_path / "typer.py").write_text(SWALLOWS)
    path = os.pathsep.join([str(tmp_path), *sys.path])
    finished = subprocess.run(
        [sys.executable, "-m", "crisp_cli", "--help"],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
        # Who runs the tests in the background may have told their processes to ignore it.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert (finished.returncode, finished.stderr, finished.stdout) == (130, "interrupted\n", "")


def test_an_interrupt_elsewhere_is_the_usual_exception():
    with pytest.raises(KeyboardInterrupt):
        interrupt(signal.SIGINT, None)

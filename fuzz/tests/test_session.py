"""Fuzzing for a while: what it writes, how it ends, and what its command line takes."""

import io
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import strategies as st
from rich.console import Console

from fuzz import __main__, session
from fuzz.session import Session
from fuzz.target import Target

ROOT = Path(__file__).resolve().parents[2]


def three_letters(data: bytes) -> None:
    if len(data) > 2:
        raise KeyError("three")


FAULTY = Target(name="faulty", load=three_letters, inputs=st.binary, examples=1)
SOUND = Target(name="sound", load=len, inputs=st.binary, examples=1)


class Interrupted:
    """A loader at whose nth input somebody presses Ctrl-C."""

    def __init__(self, last: int):
        self.left = last

    def __call__(self, _: bytes) -> None:
        self.left -= 1
        if not self.left:
            raise KeyboardInterrupt


def interrupted(last: int) -> Target:
    return Target(name="interrupted", load=Interrupted(last), inputs=st.binary, examples=1)


@pytest.fixture
def fuzz(tmp_path, monkeypatch):
    monkeypatch.setattr(session, "ROUND", 20)

    def run(*targets: Target, seconds: float = 600.0) -> tuple[Session, list[str]]:
        text = io.StringIO()
        found = Session(targets, seconds=seconds, seed=0, out=tmp_path, console=Console(file=text, width=200))
        found.run()
        return found, text.getvalue().splitlines()

    return run


def test_a_finding_is_written_once_with_its_traceback(fuzz, tmp_path):
    found, lines = fuzz(FAULTY, interrupted(last=21))
    assert found.findings == list((tmp_path / "faulty").glob("*.input"))
    assert [path.read_bytes() for path in found.findings] == [bytes(3)]
    assert 'raise KeyError("three")' in found.findings[0].with_suffix(".txt").read_text()
    assert lines[0].startswith("faulty: KeyError in test_session.py, line ")
    assert lines[2:4] == ["interrupted, seed 0: 20 inputs", "faulty, seed 1: 20 inputs"]


def test_an_interrupt_ends_it_with_a_summary(fuzz):
    found, lines = fuzz(SOUND, interrupted(last=1))
    assert lines[-1].startswith("interrupted: 21 inputs, ")
    assert not found.findings


def test_the_time_ends_it_within_a_round(fuzz):
    found, lines = fuzz(SOUND, seconds=1e-9)
    assert lines == ["time is up: 0 inputs, 0 a second, 0 findings"]
    assert found.runs == 0


@pytest.mark.parametrize(("target", "status"), [(FAULTY, 1), (SOUND, 0)])
def test_exit_status(tmp_path, monkeypatch, capsys, target, status):
    monkeypatch.setattr(__main__, "TARGETS", {target.name: target})
    monkeypatch.setattr(session, "ROUND", 20)
    assert __main__.main([target.name, "--minutes", "0.01", "--out", str(tmp_path)]) == status
    assert f"{status} findings" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nothing"], "no target 'nothing'; expected one of picture"),
        (["--minutes", "0"], "must be above 0, not 0"),
    ],
)
def test_wrong_arguments(capsys, arguments, message):
    with pytest.raises(SystemExit) as caught:
        __main__.main(arguments)
    assert caught.value.code == 2
    assert message in capsys.readouterr().err


@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
def test_make_passes_on_what_it_is_given():
    def command_of(*variables: str) -> str:
        made = subprocess.run(
            ["make", "-n", "fuzz", *variables],
            cwd=ROOT,
            env={"PATH": os.environ["PATH"]},  # without the settings of a make that runs the tests
            check=True,
            capture_output=True,
            text=True,
        )
        return made.stdout.splitlines()[-1].partition("-m fuzz")[2]

    assert command_of().split() == ["--minutes", "10", "--seed", "0"]
    chosen = command_of("TARGET=onnx", "MINUTES=0.5", "SEED=3")
    assert chosen.split() == ["onnx", "--minutes", "0.5", "--seed", "3"]

"""Fuzzing for a while: what it writes, how it ends, and what its command line takes."""

import io

import pytest
from hypothesis import strategies as st
from rich.console import Console

from fuzz import __main__, session
from fuzz.session import Session
from fuzz.target import Target


def three_letters(data: bytes) -> None:
    if len(data) > 2:
        raise KeyError("three")


FAULTY = Target(name="faulty", load=three_letters, inputs=st.binary, examples=1)
SOUND = Target(name="sound", load=len, inputs=st.binary, examples=1)


@pytest.fixture
def fuzz(tmp_path):
    def run(*targets: Target, seconds: float = 1.0) -> tuple[Session, str]:
        text = io.StringIO()
        found = Session(targets, seconds=seconds, seed=0, out=tmp_path, console=Console(file=text, width=200))
        found.run()
        return found, text.getvalue()

    return run


def test_a_finding_is_written_once_with_its_traceback(fuzz, tmp_path):
    found, text = fuzz(FAULTY, SOUND)
    assert found.findings == list((tmp_path / "faulty").glob("*.input"))
    assert [path.read_bytes() for path in found.findings] == [bytes(3)]
    assert 'raise KeyError("three")' in found.findings[0].with_suffix(".txt").read_text()
    assert "faulty: KeyError in test_session.py, line " in text
    assert "sound, seed 1: 200 inputs" in text
    assert f"time is up: {found.runs} inputs" in text


def test_an_interrupt_ends_it_with_a_summary(fuzz):
    def interrupt(_: bytes) -> None:
        raise KeyboardInterrupt

    found, text = fuzz(Target(name="stop", load=interrupt, inputs=st.binary, examples=1), seconds=60.0)
    assert text.splitlines()[-1].startswith("interrupted: 1 inputs, ")
    assert not found.findings


@pytest.mark.parametrize(("target", "status"), [(FAULTY, 1), (SOUND, 0)])
def test_exit_status(tmp_path, monkeypatch, capsys, target, status):
    monkeypatch.setattr(__main__, "TARGETS", {target.name: target})
    monkeypatch.setattr(session, "ROUND", 20)
    assert __main__.main([target.name, "--minutes", "0.01", "--out", str(tmp_path)]) == status
    assert f"{status} findings" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(["nothing"], "no target 'nothing'; expected one of picture"), (["--minutes", "0"], "must be above 0, not 0")],
)
def test_wrong_arguments(capsys, arguments, message):
    with pytest.raises(SystemExit) as caught:
        __main__.main(arguments)
    assert caught.value.code == 2
    assert message in capsys.readouterr().err

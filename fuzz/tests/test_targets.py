"""All targets: what was once found, and a new search of a few seconds each."""

from dataclasses import replace
from pathlib import Path

import pytest

from crisp_sw.programs import view as program_view
from fuzz.explore import explore, replay
from fuzz.targets import TARGETS

CORPUS = Path(__file__).resolve().parents[1] / "corpus"
PAST = sorted(path for path in CORPUS.glob("*/*") if path.is_file())
SEED = 0


@pytest.mark.parametrize("path", PAST, ids=[f"{path.parent.name}-{path.name}" for path in PAST])
def test_past_findings_are_mended(path: Path):
    finding = replay(TARGETS[path.parent.name], path.read_bytes())
    assert finding is None, finding and finding.report


def test_a_past_finding_is_one_again_without_its_mend(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(program_view, "violation", lambda *_: None)
    finding = replay(TARGETS["program"], (CORPUS / "program" / "load_into_no_memory").read_bytes())
    assert finding is not None
    assert "7 is not a valid Memory" in finding.report


@pytest.mark.filterwarnings("ignore::hypothesis.errors.HypothesisWarning")
@pytest.mark.parametrize("name", TARGETS)
def test_nothing_is_found(name: str):
    target, accepted = TARGETS[name], []

    def load(data: bytes) -> None:
        target.load(data)
        accepted.append(data)

    found = explore(replace(target, load=load), examples=target.examples, seed=SEED)
    assert not found, "\n".join(f"{finding.data!r}\n{finding.report}" for finding in found)
    assert accepted  # edits that no loader lets in would find nothing

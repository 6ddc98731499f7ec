"""Words that have been given up do not come back, and the glossary has those that took their place."""

import re
from pathlib import Path

import pytest

from sw.tests.documents.markdown_blocks import ROOT

GLOSSARY = (ROOT / "docs/glossary.md").read_text(encoding="utf-8")
GIVEN_UP = {
    r"address window": "segment",
    r"window_bits|config\.window\b": "word",
    r"execute_values|EXECUTE_LAYOUT": "job fields",
    r"[hH]ost port": "",
    r"sliding window|[kK]ernel window": "kernel",
    r"\bTarget\.(?:ECP5|GENERIC)": "technology",
    r"\bTarget\.(?:SMEM|WEIGHT|TAP|CHANNEL)": "memory",
    r"python -m (?:crisp_hw|crisp_sw|cocotb_tests)\b": "",
    r"crisp_golden\.(?:program|timing|config|errors)\b": "",
    r"\bcrisp_sw\.(?:qdq|networks|network_run|steps|export)\b": "",
    r"[gG]rid `?worth": "",
}
"""Expressions for words that are not used any more, and the word of the glossary that is; empty for none."""

HISTORY = ("CHANGELOG.md", "docs/decisions", "fuzz/corpus")
TOP = (
    "golden",
    "hw",
    "sw",
    "cocotb_tests",
    "tools",
    "fuzz",
    "benchmarks",
    "docs",
    "README.md",
    "CONTRIBUTING.md",
)
KINDS = {".py", ".pyi", ".md", ".toml", ".cpp", ".h", ".vlt", ".lpf"}


def sources() -> list[Path]:
    """All texts of the project but those that speak of the past, and this one."""
    places = [ROOT / name for name in TOP]
    found = [path for place in places for path in (place.rglob("*") if place.is_dir() else [place])]
    past = tuple(str(ROOT / name) for name in HISTORY)
    return [
        path
        for path in found
        if path.suffix in KINDS
        and path != Path(__file__)
        and not str(path).startswith((*past, str(ROOT / "docs/api")))
        and "old_files" not in path.name
    ]


def uses(expression: str) -> list[str]:
    """Where an expression is found."""
    pattern = re.compile(expression)
    return [
        str(path.relative_to(ROOT)) for path in sources() if pattern.search(path.read_text(encoding="utf-8"))
    ]


@pytest.mark.parametrize("expression", GIVEN_UP)
def test_words_that_were_given_up_are_not_used(expression: str):
    assert uses(expression) == []


@pytest.mark.parametrize("word", sorted({word for word in GIVEN_UP.values() if word}))
def test_words_that_took_their_place_are_in_the_glossary(word: str):
    assert re.search(rf"^\| {word} \|", GLOSSARY, flags=re.M)


def test_a_word_that_is_used_is_found():
    assert "golden/crisp_spec/config.py" in uses(r"word_channels")

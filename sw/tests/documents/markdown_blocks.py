"""Code in the project's documents."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
DOCUMENTS = sorted(
    path.relative_to(ROOT).as_posix()
    for path in (
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / "sw/crisp_sw").rglob("*.md"),
    )
)
COMMAND = r"(?:\w+=\S+ )*(?:crisp|make|python -m|\.venv/bin/python -m|pytest) .*"
"""What a command begins with."""


@dataclass(frozen=True)
class Block:
    """A fenced or indented block: its language, if it has one, its text, and the line that it begins in."""

    language: str
    text: str
    line: int


def blocks(document: str) -> list[Block]:
    """All blocks of a document, in order."""
    text = (ROOT / document).read_text(encoding="utf-8")
    found = [
        Block(match[1], match[2], text[: match.start()].count("\n") + 2)
        for match in re.finditer(r"^```(\w*)\n(.*?)^```$", text, re.M | re.S)
    ]
    bare = re.sub(r"^```.*?^```$", lambda match: "\n" * match[0].count("\n"), text, flags=re.M | re.S)
    for match in re.finditer(r"(?:^    \S.*\n)+", bare, re.M):
        found.append(Block("", match[0], bare[: match.start()].count("\n") + 1))
    return sorted(found, key=lambda block: block.line)


def printed_commands(document: str) -> list[str]:
    """Commands in the blocks of a document, continued lines joined, without comments."""
    lines: list[str] = []
    for block in blocks(document):
        if not block.language:
            lines += re.sub(r"\\\n\s*", "", block.text).splitlines()
    return _commands(lines)


def mentioned_commands(text: str) -> list[str]:
    """Commands in the running text, where they may be shortened."""
    prose = re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S)
    prose = re.sub(r"^    .*$", "", prose, flags=re.M)
    return _commands(re.sub(r"\s+", " ", code) for code in re.findall(r"`([^`]+)`", prose))


def _commands(lines: Iterable[str]) -> list[str]:
    bare = (re.sub(r"\s+#.*", "", line).strip() for line in lines)
    return list(dict.fromkeys(line for line in bare if re.fullmatch(COMMAND, line)))

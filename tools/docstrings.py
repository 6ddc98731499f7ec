"""Docstrings as this project writes them, for Sphinx.

A section is a heading with a line of hyphens below it. It holds entries, ``name : text`` with further lines
indented, or plain paragraphs. Asterisks outside of backquotes are asterisks.
"""

import re
from collections.abc import Iterator, Sequence

ENTRY = re.compile(r"(\S.*?) : (.*)")


def to_rst(lines: Sequence[str]) -> list[str]:
    """The lines of a docstring in reStructuredText, with entries as definition lists."""
    return list(_converted([_plain_asterisks(line) for line in lines]))


def _converted(lines: list[str]) -> Iterator[str]:
    in_section, number = False, 0
    while number < len(lines):
        line = lines[number]
        if number + 1 < len(lines) and line.strip() and _underlines(lines[number + 1], line):
            yield from ("", f".. rubric:: {line.strip()}", "")
            in_section, number = True, number + 2
        elif in_section and (entry := ENTRY.fullmatch(line)):
            name = entry[1].replace("`", "").replace("\\", "")
            yield from ("", f"``{name}``", f"    {entry[2]}")
            number += 1
            while number < len(lines) and lines[number].startswith(" "):
                yield f"    {lines[number].strip()}"
                number += 1
            yield ""
        else:
            yield line
            number += 1


def _underlines(line: str, heading: str) -> bool:
    return bool(re.fullmatch(r"-{3,}", line.strip())) and len(line.strip()) == len(heading.strip())


def _plain_asterisks(line: str) -> str:
    parts = re.split(r"(`[^`]*`)", line)
    return "".join(part if part.startswith("`") else part.replace("*", r"\*") for part in parts)

"""Summaries for people, as Markdown: a heading, facts, and tables."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class MarkdownTable:
    """One table; the first column is left-aligned, numbers in the others are right-aligned."""

    title: str
    headings: Sequence[str]
    rows: Sequence[Sequence[str]]


def markdown_page(title: str, facts: Mapping[str, Any], tables: Sequence[MarkdownTable] = ()) -> str:
    """A page with one line per fact and a section per table."""
    lines = [f"# {title}", "", *(f"- **{_cell(name)}**: {_cell(value)}" for name, value in facts.items())]
    for table in tables:
        lines += ["", f"## {table.title}", "", *_table_lines(table)]
    return "\n".join(lines) + "\n"


def settings_table(settings: Mapping[str, Any]) -> MarkdownTable:
    """All settings of a step, nested ones with their path."""
    return MarkdownTable("Settings", ("setting", "value"), [(k, _plain(v)) for k, v in _flat(settings)])


def _table_lines(table: MarkdownTable) -> list[str]:
    rule = [":--", *["--:"] * (len(table.headings) - 1)]
    return [f"| {' | '.join(map(_cell, row))} |" for row in (table.headings, rule, *table.rows)]


def _flat(values: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    pairs = []
    for name, value in values.items():
        if isinstance(value, Mapping):
            pairs += _flat(value, f"{prefix}{name}.")
        else:
            pairs.append((prefix + name, value))
    return pairs


def _plain(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(_plain, value)) or "none"
    return "none" if value is None else str(value)


def _cell(value: Any) -> str:
    return _plain(value).replace("|", "\\|").replace("\n", " ")

"""Summaries for people, as Markdown: a heading, facts, and tables. Text of users stays text in it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from crisp_files.printable import printable

# What begins code, emphasis, links, HTML, entities, formulas and cells, and what ends a heading.
_MARKUP = re.compile(r"[\\`*\[~$|]|<(?=[\w/!?])|&(?=[#\w])|(?<![^\W_])_|_(?![^\W_])|#+$")
_BACKTICKS = re.compile("`+")


class Markdown(str):
    """Text that is Markdown already; any other is escaped by `markdown_text`."""


def markdown_text(text: str) -> Markdown:
    """Markdown that shows a text as it is, on one line."""
    return text if isinstance(text, Markdown) else Markdown(_MARKUP.sub(r"\\\g<0>", printable(text)))


def code(text: str) -> Markdown:
    """Markdown that shows a text as code, whatever is in it."""
    fence = "`" * (1 + max((len(run) for run in _BACKTICKS.findall(text)), default=0))
    space = " " if text.startswith("`") or text.endswith("`") else ""
    return Markdown(f"{fence}{space}{printable(text)}{space}{fence}")


@dataclass(frozen=True)
class MarkdownTable:
    """One table; the first column is left-aligned, numbers in the others are right-aligned."""

    title: str
    headings: Sequence[str]
    rows: Sequence[Sequence[str]]


def markdown_page(title: str, facts: Mapping[str, Any], tables: Sequence[MarkdownTable] = ()) -> str:
    """A page with one line per fact and a section per table."""
    lines = [
        f"# {_cell(title)}",
        "",
        *(f"- **{_cell(name)}**: {_cell(value)}" for name, value in facts.items()),
    ]
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
    return markdown_text(value if isinstance(value, Markdown) else _plain(value))

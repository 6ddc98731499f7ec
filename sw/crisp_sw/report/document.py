"""The frame of every page: one HTML file with style, script and data inline, that refers to nothing outside.

Its content security policy forbids everything that the page does not bring itself, so that a name that slips
through unescaped could still not run or fetch anything.
"""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from importlib import resources
from typing import Any

from crisp_files.documents import Document, document_text
from crisp_files.printable import printable


@dataclass(frozen=True, kw_only=True)
class Section:
    """A part of a page.

    Attributes
    ----------
    title : its heading.
    body : HTML.
    note : a sentence below the heading, as plain text; may be empty.
    """

    title: str
    body: str
    note: str = ""

    def html(self) -> str:
        """The section; empty if there is nothing in it."""
        if not self.body:
            return ""
        note = f'<p class="note">{escape(self.note)}</p>' if self.note else ""
        return f"<section><h2>{escape(self.title)}</h2>{note}{self.body}</section>"


@dataclass(frozen=True, kw_only=True)
class Tile:
    """A figure at a glance: what it is, how much, and what that means. Plain text."""

    title: str
    figure: str
    detail: str

    def html(self) -> str:
        """The tile."""
        return (
            f'<div class="card tile"><h2>{escape(self.title)}</h2>'
            f'<div class="big">{escape(self.figure)}</div>'
            f'<div class="detail">{escape(self.detail)}</div></div>'
        )


@dataclass(frozen=True, kw_only=True)
class Download:
    """Figures that the page offers as a JSON file."""

    name: str
    document: Document

    def html(self) -> str:
        """A link that holds the file."""
        text = base64.b64encode(document_text(self.document).encode()).decode()
        return (
            f'<p class="download"><a download="{escape(self.name)}" '
            f'href="data:application/json;base64,{text}">All figures as JSON ({escape(self.name)})</a></p>'
        )


def page(
    *,
    title: str,
    lead: str,
    head: str,
    sections: Sequence[Section],
    heading: str = "",
    download: Download | None = None,
) -> str:
    """A whole page.

    Parameters
    ----------
    title : of the window, and of the page unless it has a ``heading`` of its own. Plain text, as ``lead``.
    head : HTML between the lead and the first section.

    Returns
    -------
    HTML with no reference to anything outside it; what would change the order in which text is read is
    spelled out.
    """
    style, script = _resource("style.css"), _resource("sort.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src 'sha256-{digest}'; "
        "base-uri 'none'; form-action 'none'"
    )
    body = "".join(section.html() for section in sections)
    text = (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<title>CRISP: {escape(title)}</title><link rel="icon" href="data:,"><style>{style}</style></head>'
        f"<body><main><h1>{escape(heading or title)}</h1>"
        f'<p class="lead">{escape(lead)}</p>{head}{body}{download.html() if download else ""}</main>'
        f"<script>{script}</script></body></html>\n"
    )
    return "\n".join(map(printable, text.split("\n")))


def tiles(items: Sequence[Tile]) -> str:
    """HTML of several tiles side by side."""
    return f'<div class="tiles">{"".join(tile.html() for tile in items)}</div>'


def verdict(sentence: str, problems: Sequence[str] = ()) -> str:
    """HTML of what came out: a sentence, and what went wrong, if something did. Plain text."""
    if not problems:
        return f'<div class="verdict pass">\u2713 {escape(sentence)}</div>'
    items = "".join(f"<li>{escape(problem)}</li>" for problem in problems)
    return f'<div class="verdict fail">\u2717 {escape(sentence)}<ul>{items}</ul></div>'


def card(body: str) -> str:
    """HTML in a frame."""
    return f'<div class="card">{body}</div>'


def facts(values: Mapping[str, Any]) -> str:
    """HTML list of names and values, which may be nested; plain text. Empty values are left out."""
    rows = "".join(
        f"<dt>{escape(name)}</dt><dd>{escape(_plain(value))}</dd>"
        for name, value in values.items()
        if value not in (None, "", [], ())
    )
    return f'<dl class="facts">{rows}</dl>'


def _plain(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_plain(item)}" for key, item in value.items() if item not in (None, [], ()))
    if isinstance(value, list | tuple):
        return ", ".join(map(_plain, value))
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _resource(name: str) -> str:
    return (resources.files("crisp_sw.report") / name).read_text(encoding="utf-8")

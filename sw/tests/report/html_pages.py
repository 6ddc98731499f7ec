"""What every page must be: closed in order, ids unique, links to places that are there, nothing outside."""

import re
from html.parser import HTMLParser

VOID = frozenset({"meta", "img", "br", "link"})


class Page(HTMLParser):
    """A parsed page.

    Attributes
    ----------
    ids : of its elements.
    links : what it refers to by ``href`` and ``src``.
    heads : cells of its tables' head rows, (text, scope).
    captions : number of tables' captions.
    """

    def __init__(self, text: str):
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.scopes: list[str | None] = []
        self.tables = self.captions = 0
        self._open: list[str] = []
        self.feed(text)
        assert self._open == []
        assert len(self.ids) == len(set(self.ids))
        inside = {f"#{name}" for name in self.ids}
        assert {link for link in self.links if link.startswith("#")} <= inside
        assert not re.search(r"https?://|@import|url\(", text)

    def handle_starttag(self, tag, attrs):
        """Follow one element."""
        values = dict(attrs)
        self.ids += [values["id"] or ""] if "id" in values else []
        self.links += [values[name] or "" for name in ("src", "href") if name in values]
        self.scopes += [values.get("scope")] if tag == "th" else []
        self.tables += tag == "table"
        self.captions += tag == "caption"
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag, attrs):
        """Follow an element without content."""
        values = dict(attrs)
        self.links += [values[name] or "" for name in ("src", "href") if name in values]

    def handle_endtag(self, tag):
        """Close an element."""
        if tag not in VOID:
            assert self._open.pop() == tag

    @property
    def outside(self) -> set[str]:
        """Kinds of links that do not stay in the page."""
        return {link.partition(",")[0] for link in self.links if not link.startswith("#")}

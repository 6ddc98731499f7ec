"""Docstrings become reStructuredText that says the same."""

from docutils.core import publish_doctree
from docutils.utils import Reporter

from tools.docstrings import to_rst

DOCSTRING = """Multiply ``a`` by `b`, a float32[N, *shape] below 2**15.

Parameters
----------
a, b : numbers, of which the second
    may be none: then it is 1.
c : the last.

Returns
-------
Their product, in two lines
of plain text: no entry.

Raises
------
ValueError : as of `check`.
"""


def test_sections_entries_and_paragraphs():
    text = "\n".join(to_rst(DOCSTRING.splitlines()))
    settings = {"report_level": Reporter.SEVERE_LEVEL, "halt_level": Reporter.WARNING_LEVEL}
    document = publish_doctree(text, settings_overrides=settings)  # ends with an error at the first warning
    assert [node.astext() for node in document.findall(condition=lambda n: n.tagname == "rubric")] == [
        "Parameters",
        "Returns",
        "Raises",
    ]
    terms = [node.astext() for node in document.findall(condition=lambda n: n.tagname == "term")]
    assert terms == ["a, b", "c", "ValueError"]
    paragraphs = [node.astext() for node in document.findall(condition=lambda n: n.tagname == "paragraph")]
    assert paragraphs[0] == "Multiply a by b, a float32[N, *shape] below 2**15."
    assert "numbers, of which the second\nmay be none: then it is 1." in paragraphs
    assert "Their product, in two lines\nof plain text: no entry." in paragraphs


def test_text_without_sections_is_left_alone():
    assert to_rst(["One line.", "", "- a : b", "---"]) == ["One line.", "", "- a : b", "---"]

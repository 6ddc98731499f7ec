"""Tables: escaped, sortable by value, readable aloud."""

from crisp_sw.report.tables import DASH, Column, Row, mark_cell, number_cell, table, text_cell
from sw.tests.report.html_pages import Page

COLUMNS = (Column("layer", "name <of> it"), Column("bytes"))


def test_a_table_has_a_caption_scopes_and_meanings():
    page = Page(table("Sizes & more", COLUMNS, [Row(cells=[text_cell("a"), number_cell(1024, "1 KiB")])]))
    assert (page.tables, page.captions) == (1, 1)
    assert page.scopes == ["col", "col", "row"]
    html = table("Sizes & more", COLUMNS, [])
    assert "<caption>Sizes &amp; more</caption>" in html
    assert "<dt>layer</dt><dd>name &lt;of&gt; it</dd>" in html
    assert html.count("<dt>") == 1


def test_cells_say_what_they_are_sorted_by():
    row = Row(cells=[text_cell('"<x>'), number_cell(1536, "1.5 KiB"), number_cell(None)], anchor="at")
    html = table("t", [*COLUMNS, Column("more")], [row])
    assert (
        '<tr id="at"><th scope="row" class="left" data-value="&quot;&lt;x&gt;">&quot;&lt;x&gt;</th>' in html
    )
    assert f'<td data-value="1536">1.5 KiB</td><td>{DASH}</td>' in html


def test_numbers_have_all_digits():
    assert number_cell(1234567).html == "1,234,567"
    assert number_cell(0).html == "0"


def test_marks():
    assert "good" in mark_cell(True).html
    assert "bad" in mark_cell(False).html
    assert mark_cell(None).html == DASH


def test_failures_stand_out_and_spans_have_the_scope_of_their_group():
    rows = [
        Row(cells=[text_cell("a"), number_cell(1)], wrong=True),
        Row(cells=[text_cell("b"), number_cell(2)]),
    ]
    html = table("t", COLUMNS, rows, [text_cell("total"), number_cell(3)], spans=[("", 1), ("pruned", 1)])
    assert html.count('class="wrong"') == 1
    assert Page(html).scopes == ["colgroup", "col", "col", "row", "row", "row"]

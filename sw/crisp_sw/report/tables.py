"""Tables that can be sorted, read aloud, and understood: caption, scopes, and what every column means."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from crisp_sw.report.numbers import ratio

DASH = "\u2013"


@dataclass(frozen=True)
class Column:
    """A column's head, and what it means; plain text. ``meaning`` may be empty where the name says all."""

    name: str
    meaning: str = ""


@dataclass(frozen=True)
class Cell:
    """A cell.

    Attributes
    ----------
    html : what it shows.
    value : what it is sorted by; None for what is not known, which goes last.
    """

    html: str
    value: float | str | None = None


@dataclass(frozen=True, kw_only=True)
class Row:
    """A row: the first cell is its head.

    Attributes
    ----------
    anchor : its id in the page, for links to it; may be empty.
    wrong : whether it is marked as a failure.
    """

    cells: Sequence[Cell]
    anchor: str = ""
    wrong: bool = False


def text_cell(text: str) -> Cell:
    """Plain text, sorted by itself."""
    return Cell(escape(text), text)


def number_cell(value: float | None, text: str | None = None) -> Cell:
    """A number, with all digits unless ``text`` says how it is shown; a dash where there is none."""
    if value is None:
        return Cell(DASH)
    return Cell(escape(f"{value:,.0f}" if text is None else text), value)


def ratio_cell(value: float | None) -> Cell:
    """How many times more or less, as "12.3x"; a dash where it is not known."""
    return number_cell(value, None if value is None else ratio(value))


def mark_cell(good: bool | None, words: tuple[str, str] = ("yes", "no")) -> Cell:
    """A tick or a cross with a word, or a dash for what is not known."""
    if good is None:
        return Cell(DASH)
    kind, sign, word = ("good", "\u2713", words[0]) if good else ("bad", "\u2717", words[1])
    return Cell(f'<span class="{kind}">{sign} {escape(word)}</span>', float(good))


def table(
    caption: str,
    columns: Sequence[Column],
    rows: Sequence[Row],
    foot: Sequence[Cell] = (),
    *,
    left: int = 1,
    spans: Sequence[tuple[str, int]] = (),
) -> str:
    """HTML table in a frame that scrolls sideways, with a list of what its columns mean.

    Parameters
    ----------
    caption : what it shows; plain text.
    foot : cells of a last row that keeps its place, such as totals.
    left : so many first columns are left-aligned.
    spans : titles above so many columns each; what columns below different titles mean is said once.
    """
    above = _spans(spans)
    heads = "".join(f'<th scope="col"{_side(i, left)}>{escape(c.name)}</th>' for i, c in enumerate(columns))
    body = "".join(_row(row, left) for row in rows)
    last = f"<tfoot><tr>{_cells(foot, left)}</tr></tfoot>" if foot else ""
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(caption)}">'
        f'<table class="sortable"><caption>{escape(caption)}</caption>'
        f"<thead>{above}<tr>{heads}</tr></thead><tbody>{body}</tbody>{last}</table></div>{_meanings(columns)}"
    )


def _spans(spans: Sequence[tuple[str, int]]) -> str:
    titles = "".join(
        f'<th class="span" scope="colgroup" colspan="{width}">{escape(title)}</th>'
        if title
        else f'<td colspan="{width}"></td>'
        for title, width in spans
    )
    return f'<tr class="spans">{titles}</tr>' if spans else ""


def _row(row: Row, left: int) -> str:
    anchor = f' id="{escape(row.anchor)}"' if row.anchor else ""
    kind = ' class="wrong"' if row.wrong else ""
    return f"<tr{anchor}{kind}>{_cells(row.cells, left)}</tr>"


def _cells(cells: Sequence[Cell], left: int) -> str:
    head, *rest = cells
    return f'<th scope="row"{_side(0, left)}{_value(head)}>{head.html}</th>' + "".join(
        f"<td{_side(i, left)}{_value(cell)}>{cell.html}</td>" for i, cell in enumerate(rest, 1)
    )


def _value(cell: Cell) -> str:
    return "" if cell.value is None else f' data-value="{escape(str(cell.value))}"'


def _side(column: int, left: int) -> str:
    return ' class="left"' if column < left else ""


def _meanings(columns: Sequence[Column]) -> str:
    meanings = {column.name: column.meaning for column in columns if column.meaning}
    if not meanings:
        return ""
    items = "".join(f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>" for name, text in meanings.items())
    return f'<details class="meanings"><summary>What the columns mean</summary><dl>{items}</dl></details>'

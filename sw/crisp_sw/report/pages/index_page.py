"""All runs below a directory as one HTML file, and the users among them side by side."""

import os
from collections.abc import Sequence
from html import escape
from pathlib import PurePath
from urllib.parse import quote

from crisp_sw.report.charts.accuracy_chart import loss_text, users_chart
from crisp_sw.report.document import Section, card, page
from crisp_sw.report.found_runs import FoundRun, UserFigures
from crisp_sw.report.numbers import percent, size
from crisp_sw.report.tables import Cell, Column, Row, number_cell, ratio_cell, table, text_cell
from crisp_sw.report.times import milliseconds

_USERS_NOTE = (
    "Every user has a network of their own: pruned for their classes alone. Hollow: the dense network with "
    "the same training; filled: what is left of it, int8 where it was measured. Lines are intervals of 95%."
)
_USER_COLUMNS = (
    Column("run", "directory of the result; links to its page"),
    Column("classes", "of the user"),
    Column("data"),
    Column("preset", "size of the core that it ran on"),
    Column("dense", "top-1 of the dense network, fine-tuned for the classes where that was done"),
    Column("pruned", "top-1 after pruning"),
    Column("int8", "top-1 of the integer network that the RTL runs"),
    Column("lost", "of the last of these against dense"),
    Column("sparsity", "share of the prunable weights that is gone"),
    Column("bytes", "of all weights with their indices"),
    Column("cycles", "per image, counted on the RTL"),
    Column("time", "per image at the clock that is stated above"),
    Column("speedup", "over the dense network on the same core"),
)
_RUN_COLUMNS = (
    Column("run", "directory of the result; links to its page or summary"),
    Column("step", "command of the program"),
    Column("of", "network, data or classes"),
    Column("cycles", "per image"),
    Column("speedup", "over the dense network on the same core"),
    Column("accuracy", "top-1"),
    Column("command", "that made it"),
)


def render_index(title: str, runs: Sequence[FoundRun], clock_mhz: float) -> str:
    """Render the page.

    Parameters
    ----------
    title : name of the directory.
    clock_mhz : at which times are stated.

    Returns
    -------
    HTML whose links lead to files below the directory that it is written to, and nowhere else.
    """
    users = [(run, run.user) for run in runs if run.user is not None]
    sections = [Section(title="All runs", body=_runs(runs) if runs else "<p>There are none yet.</p>")]
    if users:
        body = card(users_chart([(user.name, user.accuracy, user.images) for _, user in users]))
        note = f"{_USERS_NOTE} Times are at {clock_mhz:g} MHz."
        sections.insert(
            0, Section(title="Users side by side", note=note, body=body + _users(users, clock_mhz))
        )
    lead = f"{len(runs)} results of the program crisp, {len(users)} of them for a user's classes."
    return page(title=f"Runs in {title}", lead=lead, head="", sections=sections)


def _users(users: Sequence[tuple[FoundRun, UserFigures]], clock_mhz: float) -> str:
    rows = [Row(cells=_user_cells(run, user, clock_mhz)) for run, user in users]
    return table("Users", _USER_COLUMNS, rows, left=4)


def _user_cells(run: FoundRun, user: UserFigures, clock_mhz: float) -> list[Cell]:
    accuracy, dense = user.accuracy, user.accuracy.reference
    last = "pruned" if accuracy.int8 is None else "int8"
    left = accuracy.pruned if accuracy.int8 is None else accuracy.int8
    lost = None if dense is None or left is None else left - dense
    return [
        _link(run),
        text_cell(user.name),
        _text(user.dataset),
        _text(user.preset),
        *(_shown(value, percent) for value in (dense, accuracy.pruned, accuracy.int8)),
        number_cell(lost, None if lost is None else loss_text(accuracy, last)),
        _shown(user.sparsity, percent),
        _shown(user.bytes_packed, size),
        number_cell(user.cycles),
        _shown(user.cycles, lambda cycles: milliseconds(cycles, clock_mhz)),
        ratio_cell(user.speedup),
    ]


def _runs(runs: Sequence[FoundRun]) -> str:
    return table("Results", _RUN_COLUMNS, [_run_row(run) for run in runs], left=3)


def _run_row(run: FoundRun) -> Row:
    figures = run.figures
    return Row(
        cells=[
            _link(run),
            text_cell(run.step),
            text_cell(run.problem or run.what),
            number_cell(figures.get("cycles")),
            ratio_cell(figures.get("speedup")),
            _shown(figures.get("accuracy"), percent),
            Cell(f"<code>{escape(run.command)}</code>", run.command) if run.command else number_cell(None),
        ],
        wrong=bool(run.problem),
    )


def _link(run: FoundRun) -> Cell:
    """The directory's name, as a link to what can be looked at in it."""
    name = str(run.directory)
    if not run.page:
        return text_cell(name)
    # Each part is quoted as the bytes that the system knows it by, which need not be Unicode, and the leading
    # dot keeps a name such as `javascript:x` a path.
    target = "/".join(quote(os.fsencode(part)) for part in PurePath(run.directory, run.page).parts)
    return Cell(f'<a href="./{escape(target)}">{escape(name)}</a>', name)


def _text(value: str | None) -> Cell:
    return number_cell(None) if value is None else text_cell(value)


def _shown(value: float | None, show) -> Cell:
    return number_cell(value, None if value is None else show(value))

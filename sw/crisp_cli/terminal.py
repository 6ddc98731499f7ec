"""What commands print: results on stdout, for people or as JSON, and everything else on stderr."""

import json
import os
import shlex
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from rich.measure import Measurement
from rich.progress import (
    BarColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from crisp_cli.plain_console import PlainConsole
from crisp_cli.progress_lines import ProgressLines
from crisp_files.documents import Document, document_json
from crisp_files.printable import printable
from crisp_spec.errors import CrispError

PACE_SECONDS = 3600.0
"""Over which a bar takes the pace: a step may be an epoch, of which the usual 30 seconds see none."""


class OutputError(CrispError):
    """What a command has to say cannot be written."""


results = PlainConsole()
messages = PlainConsole(stderr=True)


def emit(result: Document | Mapping[str, Any], as_json: bool, show: Callable[[], None]) -> None:
    """Print ``result`` as one JSON document, or call ``show`` to print it for people."""
    with on_stdout():
        if as_json:
            values = document_json(result) if isinstance(result, Document) else result
            print(json.dumps(values, indent=1))
        else:
            show()


@contextmanager
def on_stdout() -> Iterator[None]:
    """What the block prints is on stdout when it ends.

    Raises
    ------
    OutputError : it cannot be written there; without a message where nobody reads it.
    """
    try:
        yield
        if sys.stdout is not None:  # it may have been closed
            sys.stdout.flush()
    except OSError as error:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115  (or the interpreter's last flush would fail again)
        if isinstance(error, BrokenPipeError):
            raise OutputError from error
        raise OutputError(f"stdout: cannot be written ({error.strerror})") from error


def print_line(text: str) -> None:
    """Print a line of a result that comes piece by piece, on stdout, where it is at once.

    Raises
    ------
    OutputError : as of `on_stdout`.
    """
    with on_stdout():
        results.print(text)


def show_figures(title: str, figures: Mapping[str, str]) -> None:
    """Print a heading and aligned pairs."""
    results.print(title, style="bold")
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim")
    for name, value in figures.items():
        grid.add_row(f"  {name}", value)
    results.print(grid)


def say_next(*words: object) -> None:
    """Print a command of this program that can be pasted into a shell, as what may come next."""
    results.print(f"next: {shlex.join(['crisp', *map(str, words)])}")


def say_problem(kind: str, text: str) -> None:
    """Print on stderr what went wrong: an "error", or what "failed"."""
    messages.print(f"{kind}:", style="bold red", end=" ")
    messages.print(text)


def print_table(table: Table) -> None:
    """Print a table with no cell cut short, however narrow the terminal is."""
    wide = results.options.update(max_width=1000)
    width = max(results.width, Measurement.get(results, wide, table).maximum)
    PlainConsole(width=width, file=results.file, soft_wrap=False).print(table)


class StepDisplay:
    """A `StepCallback` that shows a bar per stage on stderr."""

    def __init__(self, progress: Progress):
        self._progress = progress
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, stage: str, done: int, total: int, detail: str = "") -> None:
        """Show that ``done`` of ``total`` units of ``stage`` are done."""
        stage, detail = printable(stage), printable(detail)
        if stage not in self._tasks:
            self._progress.start()
            self._tasks[stage] = self._progress.add_task(stage, total=total, detail=detail)
        self._progress.update(self._tasks[stage], completed=done, total=total, detail=detail)

    def stop(self) -> None:
        """Leave the bars as they are and the terminal to others."""
        if self._tasks:
            self._progress.stop()


@contextmanager
def step_display(*, announce: bool = True) -> Iterator[StepDisplay | ProgressLines]:
    """Show what a step reports, as long as the block runs: as bars, or as lines where stderr is no terminal.

    Parameters
    ----------
    announce : of `ProgressLines`.
    """
    if not messages.is_terminal:
        yield ProgressLines(messages.print, announce=announce)
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=30),
        TextColumn("{task.completed:.0f}/{task.total:.0f}", markup=False),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[detail]}", style="dim", markup=False),
    )
    display = StepDisplay(Progress(*columns, console=messages, speed_estimate_period=PACE_SECONDS))
    try:
        yield display
    finally:
        display.stop()

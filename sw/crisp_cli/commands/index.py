"""``crisp index``: all results below a directory as one page."""

from pathlib import Path
from typing import Annotated

import typer

from crisp_cli.options import Clock
from crisp_cli.terminal import on_stdout, results
from crisp_files.atomic_files import write_bytes
from crisp_sw.report.found_runs import find_runs
from crisp_sw.report.pages.index_page import render_index
from crisp_sw.report.times import CLOCK_MHZ

INDEX_FILE = "index.html"


def index(
    directory: Annotated[Path, typer.Argument(help="Where results are.")] = Path("build"),
    clock: Clock = CLOCK_MHZ,
) -> None:
    """List all results below a directory on one page, users side by side.

    Writes index.html into the directory, with links to the page or summary of every result of `crisp demo`,
    `network`, `inspect`, `train`, `evaluate`, `prune` and `quantize`.

    Example: `crisp index build`, and open build/index.html
    """
    runs = find_runs(directory)
    path = directory / INDEX_FILE
    write_bytes(path, render_index(str(directory), runs, clock).encode())
    with on_stdout():
        results.print(f"{len(runs)} results: {path}")

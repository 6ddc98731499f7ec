"""The results of a sweep as a page in Markdown, to be kept: every cell, and means over the seeds."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from crisp_files.atomic_files import write_bytes
from crisp_sw.flows.experiment.results.cell_table import Row, average_rows
from crisp_sw.report.markdown import markdown_text

FIGURES = ("sparsity", "accuracy", "lost against dense", "int8", "bytes", "non-zero MACs", "cycles")
_NAMES = {
    "dense": "dense, fine-tuned",
    "crisp": "CRISP",
    "nm-only": "N:M only,",
    "block-only": "blocks only",
    "unstructured": "unstructured",
}


def write_page(path: Path, title: str, rows: Sequence[Row]) -> None:
    """Write the page of some rows of `table_rows`, by way of a temporary name."""
    write_bytes(path, results_page(title, rows).encode())


def results_page(title: str, rows: Sequence[Row]) -> str:
    """Return a page with a table of all cells for each network and number of classes, and one of their means.

    The means are left out where all cells are of one seed.
    """
    lines = [f"# {markdown_text(title)}"]
    for network, classes in dict.fromkeys((row.network, row.classes) for row in rows):
        chosen = [row for row in rows if (row.network, row.classes) == (network, classes)]
        label, means = _labels(chosen), average_rows(chosen)
        cells = [[str(row.class_seed), label(row), *_figures(row)] for row in chosen]
        lines += [
            "",
            f"## {markdown_text(network)}, {classes} {'class' if classes == 1 else 'classes'}",
            "",
            *_table(("seed", "cell"), cells),
        ]
        if len({row.class_seed for row in chosen}) > 1:
            lines += [
                "",
                "Means over the seeds; ± is the standard error of the difference to the dense networks:",
                "",
                *_table(("cell", "seeds"), [[label(row), str(row.seeds), *_figures(row)] for row in means]),
            ]
        reasons = [f"- {label(row)}: {markdown_text(row.error)}" for row in means if row.error]
        lines += ["", "Not reached:", "", *reasons] if reasons else []
    return "\n".join(lines) + "\n"


def _labels(rows: Sequence[Row]) -> Callable[[Row], str]:
    """What to call cells: by method, ratio and variant, and by block and target where several were tried."""
    blocks = len({row.block for row in rows if row.block}) > 1
    targets = len({row.target for row in rows if row.target}) > 1

    def label(row: Row) -> str:
        parts = [_NAMES.get(row.method, f"`{row.method}`")]
        parts += [f" {row.n}:{row.m}"] if row.n else []
        parts += [f", B = {row.block}"] if blocks and row.block else []
        parts += [f", to {100 * row.target:g}%"] if targets and row.target else []
        parts += [f", {markdown_text(row.variant)}"] if row.variant else []
        return "".join(parts)

    return label


def _table(first: Iterable[str], rows: Iterable[Sequence[str]]) -> list[str]:
    headings = (*first, *FIGURES)
    return [f"| {' | '.join(cells)} |" for cells in (headings, ["---"] * len(headings), *rows)]


def _figures(row: Row) -> list[str]:
    def show(name: str, form: str, scale: float = 1, unit: str = "") -> str:
        return "-" if getattr(row, name) is None else f"{format(getattr(row, name) / scale, form)}{unit}"

    pruned = row.method != "dense"
    reference = not pruned and not row.variant
    before = f" ({row.accuracy_before:.1%} before)" if row.accuracy_before is not None else ""
    error = f" ± {row.loss_error:.1f}" if row.loss_error is not None else ""
    speedup = f" ({row.speedup_to_dense:.1f}x)" if pruned and row.speedup_to_dense else ""
    return [
        show("sparsity", ".1%"),
        show("accuracy", ".1%") + before,
        "" if reference else show("loss_to_dense", ".1f", unit=f"{error} points"),
        show("accuracy_int8", ".1%"),
        show("bytes_packed", ",.0f"),
        show("nonzero_macs", ".1f", 1e6, " million"),
        show("cycles", ",.0f") + speedup,
    ]

"""``crisp accuracy``: the accuracy experiment, from universal networks to table and plots."""

import os
import shlex
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from crisp_cli.core_option import EDGE, Core
from crisp_cli.options import AsJson, Output
from crisp_cli.progress_lines import Pace
from crisp_cli.rtl.requirements import try_rtl
from crisp_cli.statuses import FAILED
from crisp_cli.terminal import emit, messages, print_table, results, say_problem
from crisp_files.atomic_files import require_new_file
from crisp_sw.choices import AUTO_PRECISION
from crisp_sw.flows.experiment.cells.cell import Cell, ExperimentError
from crisp_sw.flows.experiment.cells.grid import GRIDS, find_grid, network_name, table_name
from crisp_sw.flows.experiment.dask_workers import Workers
from crisp_sw.flows.experiment.results.cell_table import AccuracyTable, Row, average_rows, table_rows
from crisp_sw.flows.experiment.universal_settings import UNIVERSAL
from crisp_sw.synthetic.sparsity_rules import parse_nm

if TYPE_CHECKING:
    from crisp_sw.flows.experiment.cells.cell_result import CellResult, RtlCheck
    from crisp_sw.flows.experiment.experiment import ExperimentSettings
    from crisp_sw.flows.experiment.sweep import ResultCallback, Sweep
    from crisp_sw.results.core_run import CoreRun


def accuracy(
    data: Annotated[str, typer.Argument(help="Image folder, or the name of a data set.")],
    grid: Annotated[str, typer.Option(help=f"One of {', '.join(GRIDS)}.")] = "headline",
    networks: Annotated[
        str,
        typer.Option(
            "--network",
            help=f"Universal networks ({', '.join(UNIVERSAL)}) or checkpoints, comma-separated.",
            show_default="those of the grid",
        ),
    ] = "",
    out: Output = Path("build/accuracy"),
    core: Core = EDGE,
    classes: Annotated[str, typer.Option(help="Only these numbers of classes.")] = "",
    seeds: Annotated[str, typer.Option(help="Only these seeds of classes.")] = "",
    methods: Annotated[str, typer.Option(help="Only these methods.")] = "",
    sparsities: Annotated[str, typer.Option(help="Only these targets, such as 0.9,0.92.")] = "",
    blocks: Annotated[str, typer.Option(help="Only these block sizes.")] = "",
    ratios: Annotated[str, typer.Option(help="Only these N:M inside of blocks, such as 1:4,2:4.")] = "",
    variants: Annotated[str, typer.Option(help="Only these variants of the recipe.")] = "",
    cluster: Annotated[
        str | None, typer.Option(help="Address of a Dask scheduler.", show_default="this machine")
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(help="Processes on this machine.", show_default="one for each core", min=1, max=1024),
    ] = None,
    table_only: Annotated[
        bool, typer.Option("--table-only", help="Run nothing: table and plots of the results that are there.")
    ] = False,
    fresh: Annotated[
        bool, typer.Option(help="Train universal networks here, even if they come with the package.")
    ] = False,
    precision: Annotated[
        str,
        typer.Option(help="Of training: float32, bfloat16, or auto for what this processor is faster in."),
    ] = AUTO_PRECISION,
    rtl: Annotated[
        int,
        typer.Option(help="So many validation images of the first CRISP cell on the RTL.", min=0, max=10_000),
    ] = 0,
    as_json: AsJson = False,
) -> None:
    """Compare CRISP with every baseline on users of a few classes.

    Trains the universal networks if they are not there, then runs every cell of the grid that has no result
    yet: a stopped sweep goes on where it was. Writes tables (CSV and Markdown) and plots below the output
    folder, named after the grid and after what these options change of it.

    Examples:

    - `crisp accuracy path/to/tiny-imagenet`
    - `crisp accuracy path/to/tiny-imagenet --grid full --cluster tcp://scheduler:8786`
    """
    _require_effects(table_only, cluster, workers)
    axes = {
        **_values("networks", networks, str),
        **_values("classes", classes, int),
        **_values("class_seeds", seeds, int),
        **_values("methods", methods, str),
        **_values("sparsities", sparsities, float),
        **_values("blocks", blocks, int),
        **_values("ratios", ratios, parse_nm),
        **_values("variants", variants, str),
    }
    chosen = replace(find_grid(grid), **axes)
    chosen.require_effects(axes)

    import torch

    from crisp_cli.training_display import training_display
    from crisp_sw.flows.experiment.experiment import ExperimentFiles, ExperimentSettings, run_experiment
    from crisp_sw.modules.mixed_precision import find_precision

    settings = ExperimentSettings(
        data=data,
        grid=chosen,
        out=out,
        name="-".join(
            [
                table_name(grid, chosen),
                *([] if core == EDGE else [core.name]),
                *([] if precision == AUTO_PRECISION else [precision]),
            ]
        ),
        core=core,
        compute=not table_only,
        fresh=fresh,
        precision=find_precision(precision, torch.device("cpu")),
        workers=Workers(cluster=cluster, count=workers or len(os.sched_getaffinity(0))),
        command=shlex.join(["crisp", *sys.argv[1:]]),
    )
    require_new_file(ExperimentFiles(out=out).page(settings.name))
    if rtl:
        if "crisp" not in chosen.methods:
            raise ExperimentError(
                "--rtl runs a network that CRISP pruned; expected `crisp` among the methods"
            )
        _say("trying the simulator of the RTL")
        try_rtl()
    with training_display(messages) as progress:
        sweep = run_experiment(settings, on_training=progress, on_result=_result_lines(), say=_say)
    rows = table_rows(sweep.results)
    check = _on_rtl(settings, sweep, rtl) if rtl else None
    figures = AccuracyTable(rows=tuple(rows), failures=sweep.failures, rtl=check)
    emit(figures, as_json, lambda: _show(average_rows(rows)))
    for result in sweep.results:
        if result.error is not None:
            _say(f"not reached: {result.cell.name}: {result.error}")
    for name, problem in sweep.failures.items():
        say_problem("failed", f"{name}: {problem}")
    if sweep.failures or (check is not None and check.status):
        raise typer.Exit(FAILED)


def _require_effects(table_only: bool, cluster: str | None, workers: int | None) -> None:
    """Refuse options about who computes where nobody does, or where another option says it."""
    for name, value in (("cluster", cluster), ("workers", workers)):
        if table_only and value is not None:
            raise ExperimentError(f"--{name} {value} has no effect: --table-only computes nothing")
    if cluster is not None and workers is not None:
        raise ExperimentError(f"--workers {workers} has no effect: the cluster at {cluster} has its own")


def _values(axis: str, text: str, kind: Callable[[str], Any]) -> dict[str, tuple]:
    """The values of an option for an axis of the grid; nothing if the option is not given."""
    if not text.strip():
        return {}
    try:
        return {axis: tuple(dict.fromkeys(kind(item.strip()) for item in text.split(",")))}
    except ValueError as error:
        raise ExperimentError(f"{error}; expected values separated by commas") from error


def _on_rtl(settings: "ExperimentSettings", sweep: "Sweep", images: int) -> "RtlCheck":
    """Check the network of the first CRISP cell that has a result."""
    from crisp_cli.cosim.run import run_network_layers
    from crisp_sw.flows.experiment.cells.rtl_check import check_on_rtl
    from crisp_sw.flows.experiment.cells.user import load_user
    from crisp_sw.flows.experiment.experiment import ExperimentFiles
    from crisp_sw.flows.experiment.results.cell_store import ResultStore
    from crisp_sw.flows.experiment.universal import find_universal

    crisp = (result for result in sweep.results if result.cell.method == "crisp")
    result = next((result for result in crisp if result.error is None), None)
    if result is None or result.depends_on is None:
        raise ExperimentError(
            "there is no CRISP cell for the RTL; expected `crisp` among the methods, and a run without "
            "--table-only before"
        )
    cell, checkpoints = result.cell, ExperimentFiles(out=settings.out).checkpoints
    network = next(name for name in settings.grid.networks if network_name(name) == cell.network)
    checkpoint = find_universal(network, settings.data, checkpoints, fresh=settings.fresh)
    assert checkpoint is not None, "a cell has a result"
    user = load_user(checkpoint, settings.data, classes=cell.classes, seed=cell.class_seed)
    directory = ResultStore(settings.out).network(cell.name, result.depends_on)

    def run_on_rtl(network: Path, inputs: Path, result: Path) -> "CoreRun":
        return run_network_layers(network, inputs, core=settings.core, out=result, say=_say)

    measured = check_on_rtl(cell.name, directory, user, images, run_on_rtl)
    verdict = "every layer bit-exact" if measured.status == 0 else "NOT bit-exact"
    _say(f"{cell.name}: {images} validation images on the RTL of {settings.core}: {verdict}")
    return measured


def _say(text: str) -> None:
    messages.print(text)


def _result_lines() -> "ResultCallback":
    """What says a line for every cell that is finished, with the time that the others will take."""
    pace = Pace()

    def say(done: int, total: int, cell: Cell, result: "CellResult") -> None:
        figure = result.error or f"accuracy {result.accuracy:.2%}"
        seconds = f", {result.seconds:.0f} s" if result.seconds else ""
        _say(f"{done}/{total} {cell.name}: {figure}{seconds}{pace.left(done, total)}")

    return say


def _show(rows: list[Row]) -> None:
    if not rows:
        results.print("no results yet")
        return
    table = Table(box=None, header_style="dim", pad_edge=False)
    several = len({row.network for row in rows}) > 1
    lines = [_cells(row, with_network=several) for row in rows]
    for heading in lines[0]:
        table.add_column(heading, justify="left" if heading in ("network", "method") else "right")
    for line in lines:
        table.add_row(*line.values())
    print_table(table)


def _cells(row: Row, *, with_network: bool) -> dict[str, str]:
    def show(name: str, form: str) -> str:
        return "-" if getattr(row, name) is None else format(getattr(row, name), form)

    error = "" if row.loss_error is None else f" ± {row.loss_error:.2f}"
    return {
        **({"network": row.network} if with_network else {}),
        "classes": str(row.classes),
        "method": " ".join(part for part in (row.method, row.variant) if part),
        "N:M": f"{row.n}:{row.m}" if row.n else "-",
        "B": str(row.block or "-"),
        "target": "-" if row.target is None else f"{100 * row.target:g}%",
        "sparsity": show("sparsity", ".1%"),
        "seeds": str(row.seeds),
        "accuracy": show("accuracy", ".2%"),
        "loss": show("loss_to_dense", ".2f") + error,
        "int8": show("accuracy_int8", ".2%"),
        "bytes": show("bytes_packed", ",.0f"),
        "MACs": show("nonzero_macs", ",.0f"),
        "cycles": show("cycles", ",.0f"),
    }

"""``crisp inspect``: patterns, sizes, MACs and predicted cycles of a network."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from crisp_cli.core_option import EDGE, Core
from crisp_cli.options import AsJson, Clock, command_line
from crisp_cli.terminal import emit, print_table, results
from crisp_spec.errors import CapacityError
from crisp_sw.flows.steps.step_directory import SUMMARY_FILE, require_free, write_step
from crisp_sw.report.markdown import MarkdownTable, code, markdown_page
from crisp_sw.report.numbers import count, percent, ratio, size
from crisp_sw.report.pages.inspection_page import render_inspection_page
from crisp_sw.report.pages.inspection_table import HEADINGS, dense_misfits, layer_cells, total_cells
from crisp_sw.report.times import CLOCK_MHZ, time_text
from crisp_sw.results.inspection import Inspection
from crisp_sw.results.layers import InspectedLayer, InspectedTotals

if TYPE_CHECKING:
    from crisp_sw.flows.inputs.integer_network import OpenedNetwork

PAGE_FILE = "inspect.html"


def inspect(
    path: Annotated[str, typer.Argument(help="Packed network, QDQ ONNX file, pruned model or checkpoint.")],
    core: Core = EDGE,
    program: Annotated[
        bool, typer.Option("--program", help="Compile it, too: cycles of the whole accelerator.")
    ] = False,
    clock: Clock = CLOCK_MHZ,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Directory for the figures, and a page with pictures."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show what a network consists of, its sparsity patterns, and the cycles that it takes.

    Cycles are those of the cycle model for every layer alone on the core, which the RTL meets exactly. A
    float model is quantized with random images for that; its sparsity stays as it is.

    Examples:

    - `crisp inspect build/network --preset small --json`
    - `crisp inspect build/pruned --out build/inspection`, and open build/inspection/inspect.html
    - `crisp inspect model.onnx --program`
    """
    from crisp_sw.flows.inputs.integer_network import open_integer_network
    from crisp_sw.flows.inspection import inspect_layers, inspect_program

    if out is not None:
        require_free(out, "inspect", (PAGE_FILE,))
    inspected = open_integer_network(path, m=core.config.m)
    try:
        layers = inspect_layers(core.config, inspected.network)
    except CapacityError as error:
        raise CapacityError(f"preset {core}, {error}") from error
    figures = Inspection(
        path=path,
        command=command_line(),
        kind=inspected.kind,
        preset=core.name,
        clock_mhz=clock,
        input_shape=inspected.network.input_shape,
        classes=inspected.network.classes,
        metadata=inspected.metadata,
        layers=layers,
        program=inspect_program(core.config, inspected.network) if program else None,
    )
    if out is not None:
        page = render_inspection_page(figures, inspected.network)
        write_step(out, "inspect", figures, {PAGE_FILE: page, SUMMARY_FILE: _summary(figures)})
    emit(figures, as_json, lambda: _show(inspected, figures, out))


def _show(inspected: "OpenedNetwork", figures: Inspection, out: Path | None) -> None:
    channels, height, width = figures.input_shape
    outputs = ", ".join(figures.classes) or "outputs without names"
    results.print(figures.path, style="bold", end=": ")
    results.print(f"image of {channels} x {height} x {width} to {outputs}")
    print_table(_table(figures.layers, figures.totals))
    for name, text in _facts(figures).items():
        results.print(f"  {name}", style="dim", end="  ")
        results.print(text)
    if inspected.note:
        results.print(inspected.note)
    if out is not None:
        results.print(f"pictures: {out / PAGE_FILE}")


def _table(layers: Sequence[InspectedLayer], totals: InspectedTotals) -> Table:
    table = Table(box=None, header_style="dim", pad_edge=False)
    for heading, _ in HEADINGS:
        table.add_column(heading, justify="left" if heading == "layer" else "right", no_wrap=True)
    for layer in layers:
        table.add_row(*layer_cells(layer))
    table.add_section()
    table.add_row(*total_cells(totals), style="bold")
    return table


def _facts(figures: Inspection) -> dict[str, str]:
    totals, program = figures.totals, figures.program
    facts = {
        "zero": f"{percent(totals.sparsity)} of {count(totals.weights)} weights",
        "smaller": f"{ratio(totals.compression)}, "
        f"{size(totals.bytes_dense)} to {size(totals.bytes_packed)} with all indices",
        "fewer MACs": f"{ratio(totals.mac_reduction)}, "
        f"{count(totals.macs_dense)} to {count(totals.macs)} per image",
    }
    if totals.speedup is None:
        facts["no speedup"] = dense_misfits(figures.layers, figures.preset)
    else:
        facts["speedup"] = f"{ratio(totals.speedup)} over dense on preset {figures.preset}, layer by layer"
    cycles = program.cycles if program else totals.cycles_predicted
    facts["time"] = time_text(cycles, figures.clock_mhz)
    if program:
        dense = "dense, it does not fit"
        if program.cycles_dense is not None and program.speedup is not None:
            dense = f"dense {program.cycles_dense:,} ({ratio(program.speedup)})"
        facts["accelerator"] = f"{program.cycles:,} cycles, {size(program.traffic)} of traffic; {dense}"
    return facts


def _summary(figures: Inspection) -> str:
    rows = [layer_cells(layer) for layer in figures.layers]
    table = MarkdownTable("Layers", [name for name, _ in HEADINGS], [*rows, total_cells(figures.totals)])
    facts = {"command": code(figures.command), **_facts(figures)}
    return markdown_page(f"{figures.path} on preset {figures.preset}", facts, [table])

"""``crisp compile``: from a packed network to a program image."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from crisp_cli.core_option import EDGE, Core
from crisp_cli.options import AsJson
from crisp_cli.terminal import emit, print_table, results
from crisp_files.atomic_files import require_new_file, write_bytes
from crisp_sw.compile.compiler import compile_network
from crisp_sw.programs.costs import GroupCosts, ProgramFigures, program_figures
from crisp_sw.report.numbers import count, size
from crisp_sw.results.program import CompiledProgram

_HEADINGS = ("first layer", "layers", "bands", "on chip", "cycles", "waiting", "read", "written")
_ON_CHIP = {(False, False): "", (True, False): "in", (False, True): "out", (True, True): "in, out"}


def compile_program(
    network: Annotated[
        Path, typer.Argument(help="Packed network, written by crisp quantize, or a QDQ ONNX file.")
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="Program image to write.")] = Path("program.crisp"),
    core: Core = EDGE,
    fuse: Annotated[
        bool, typer.Option("--fuse/--no-fuse", help="Fuse layers, or run them one by one through memory.")
    ] = True,
    keep: Annotated[
        bool, typer.Option("--keep", help="Store the output of every layer, to be compared.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Compile a quantized network into a program for the accelerator.

    Layers are fused into groups. The layers of a group advance together in bands of rows, so that what one
    makes for the next never leaves the chip. A tensor may also stay on the chip between two groups. Cycles
    and traffic are those of the cycle model for one image, with external memory at full bandwidth.

    Examples:

    - `crisp compile build/network -o program.crisp`
    - `crisp compile model.onnx -o program.crisp`
    - `crisp compile build/network --no-fuse --preset small -o layers.crisp`

    `crisp disasm program.crisp` shows the commands, `crisp network` runs a network on the RTL.
    """
    from crisp_sw.exchange.network_source import open_network

    require_new_file(out)
    loaded, _ = open_network(network, m=core.config.m)
    image = compile_network(core.config, loaded, fuse=fuse, keep=keep)
    write_bytes(out, image.to_bytes())
    figures = program_figures(image)
    document = CompiledProgram(
        **vars(figures.whole),
        network=str(network),
        preset=core.name,
        image=str(out),
        groups=figures.groups,
        stages=figures.stages,
        memory=figures.memory,
    )
    emit(document, as_json, lambda: _show(figures, out))


def _show(figures: ProgramFigures, out: Path) -> None:
    table = Table(box=None, header_style="dim", pad_edge=False)
    for heading in _HEADINGS:
        left = heading in ("first layer", "on chip")
        table.add_column(heading, justify="left" if left else "right", no_wrap=True)
    for group in figures.groups:
        table.add_row(*_cells(group))
    table.add_section()
    whole = figures.whole
    table.add_row(
        "total",
        str(len(figures.stages)),
        "",
        "",
        f"{figures.cycles:,}",
        f"{whole.causes['wait']:,}",
        size(whole.read),
        size(whole.written),
        style="bold",
    )
    print_table(table)
    results.print(
        f"{out}: {count(whole.commands)} commands, {size(whole.image_bytes)} with all parameters, "
        f"{size(whole.scratch_bytes)} of scratch memory"
    )


def _cells(group: GroupCosts) -> list[str]:
    return [
        group.stages[0],
        str(len(group.stages)),
        str(group.bands),
        _ON_CHIP[group.resident_in, group.resident_out],
        f"{group.cycles:,}",
        f"{group.causes['wait']:,}",
        size(group.read),
        size(group.written),
    ]

"""``crisp compile``: from a packed network to a program image."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from crisp_cli.core_option import EDGE, Core
from crisp_cli.options import AsJson
from crisp_cli.terminal import emit, print_table, results
from crisp_files.atomic_files import require_new_file, write_bytes
from crisp_sw.compile.compiler import compile_network
from crisp_sw.programs.costs import ProgramFigures, StageFigures, program_figures
from crisp_sw.report.numbers import count, size

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
    document = {"network": str(network), "preset": core.name, "image": str(out), **figures.to_json()}
    emit(document, as_json, lambda: _show(figures, out))


def _show(figures: ProgramFigures, out: Path) -> None:
    table = Table(box=None, header_style="dim", pad_edge=False)
    for heading in _HEADINGS:
        left = heading in ("first layer", "on chip")
        table.add_column(heading, justify="left" if left else "right", no_wrap=True)
    for names, described, group in figures.groups:
        table.add_row(*_cells(names, described, group))
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
    image = figures.image
    results.print(
        f"{out}: {count(image.commands)} commands, {size(len(image.contents))} with all parameters, "
        f"{size(image.sizes[2])} of scratch memory"
    )


def _cells(names: list[str], described: dict[str, Any], group: StageFigures) -> list[str]:
    return [
        names[0],
        str(len(names)),
        str(described["bands"]),
        _ON_CHIP[described["resident_in"], described["resident_out"]],
        f"{group.cycles:,}",
        f"{group.causes['wait']:,}",
        size(group.read),
        size(group.written),
    ]

"""``crisp verilog``: the generated hardware as a Verilog file."""

from pathlib import Path
from typing import Annotated

import typer

from crisp_cli.commands.hardware.tops import MODULES, Top, find_top
from crisp_cli.core_option import EDGE, Core
from crisp_cli.options import Output
from crisp_cli.terminal import on_stdout, results
from crisp_files.atomic_files import require_new_file
from crisp_spec.config import PRESETS, NamedConfig


def verilog(
    core: Core = EDGE,
    top: Annotated[Top, typer.Option(help="What to write.")] = "accelerator",
    out: Output = Path("build/verilog"),
    lint: Annotated[bool, typer.Option("--lint", help="Check the result with verilator -Wall.")] = False,
) -> None:
    """Write the accelerator, with a C header of its registers, or its core alone as Verilog.

    Verilator's waivers, with the reason for each, are written beside it: a file with the ending `.vlt`.

    Examples:

    - `crisp verilog --preset small`
    - `crisp verilog --preset tiny --top core`
    - `crisp verilog --config my_core.toml --lint`
    """
    from crisp_hw.build.lint import lint_verilog, require_verilator
    from crisp_hw.build.register_export import HEADER_NAME, write_header
    from crisp_hw.build.verilog import write_verilog

    name = f"{MODULES[top]}_{core}"
    require_new_file(out / f"{name}.v")
    if lint:
        require_verilator()
    component = find_top(top)(core.config)
    written = [write_verilog(component, name, out / f"{name}.v", command=_command(core, top))]
    written.append(written[0].with_suffix(".vlt"))
    if lint:
        lint_verilog(written[0])
    if top == "accelerator":
        written.append(out / HEADER_NAME)
        write_header(written[-1])
    with on_stdout():
        for path in written:
            results.print(str(path))


def _command(core: NamedConfig, top: Top) -> str:
    """What writes the same Verilog again, wherever it is called."""
    is_preset = PRESETS.get(core.name) == core.config
    return f"crisp verilog {f'--preset {core}' if is_preset else f'--config {core}.toml'} --top {top}"

"""Command line of the generator: ``python -m crisp_hw verilog`` and ``python -m crisp_hw synth``."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from rich.console import Console

from crisp_files.printable import printable
from crisp_hw.accelerator import CrispStc
from crisp_hw.build.fpga import Comparison, Job, Progress, ToolError, dense_equivalent, pack, synthesize
from crisp_hw.build.fpga.boards import BOARDS, board
from crisp_hw.build.lint import LintError, lint_verilog, require_verilator
from crisp_hw.build.register_export import HEADER_NAME, write_header
from crisp_hw.build.verilog import write_verilog
from crisp_hw.cells import Technology
from crisp_hw.core.core import CrispCore
from crisp_spec.config import PRESETS, CoreConfig, preset
from crisp_spec.errors import CrispError

Result = TypeVar("Result")
TOOL_FAILED, USER_ERROR = 1, 2

TOPS: dict[str, type[CrispStc] | type[CrispCore]] = {"accelerator": CrispStc, "core": CrispCore}
"""What can be generated: the accelerator with its buses, or the compute core alone."""

WHOLE_ON_FPGA = ("ulx3s",)
"""Presets that are made for an FPGA that takes the whole accelerator; of others the core is measured."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return the exit status: 0, 1 if a tool failed, 2 for an unusable input."""
    options = _parser().parse_args(arguments)
    try:
        options.run(options)
    except (CrispError, OSError) as error:
        text = str(error)
        if isinstance(error, OSError) and error.filename:
            text = f"{error.filename}: {error.strerror}"
        print("error: " + "\n".join(map(printable, text.splitlines())), file=sys.stderr)
        return TOOL_FAILED if isinstance(error, ToolError | LintError) else USER_ERROR
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m crisp_hw", description="Generate and build the accelerator or its core."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    presets, boards = ", ".join(PRESETS), ", ".join(BOARDS)

    verilog = commands.add_parser("verilog", help="write Verilog, and a C header of the registers")
    verilog.add_argument("--preset", default="edge", help=f"one of {presets} (default: %(default)s)")
    verilog.add_argument("--top", choices=TOPS, default="accelerator", help="what (default: %(default)s)")
    verilog.add_argument(
        "--out", type=Path, default=Path("build/verilog"), help="folder (default: %(default)s)"
    )
    verilog.add_argument("--lint", action="store_true", help="check the result with verilator -Wall")
    verilog.set_defaults(run=_verilog)

    synth = commands.add_parser("synth", help="measure area and clock on an FPGA with yosys and nextpnr")
    synth.add_argument("--preset", default="small", help=f"one of {presets} (default: %(default)s)")
    synth.add_argument("--board", default="ulx3s-85f", help=f"one of {boards} (default: %(default)s)")
    synth.add_argument(
        "--top",
        choices=TOPS,
        help=f"what (default: core, but accelerator for {', '.join(WHOLE_ON_FPGA)})",
    )
    synth.add_argument("--seeds", type=int, default=1, help="placements to try; the fastest is reported")
    synth.add_argument(
        "--jobs", type=int, default=os.cpu_count(), help="seeds at a time (default: %(default)s)"
    )
    synth.add_argument("--compare-dense", action="store_true", help="compare with what a dense array takes")
    synth.add_argument("--out", type=Path, default="build/synth", help="folder (default: %(default)s)")
    synth.set_defaults(run=_synth)
    return parser


def _verilog(options: argparse.Namespace) -> None:
    top = TOPS[options.top]
    name = f"{top.module_name}_{options.preset}"
    if options.lint:
        require_verilator()
    path = write_verilog(top(preset(options.preset)), name, options.out / f"{name}.v")
    if options.lint:
        lint_verilog(path)
    print(printable(str(path)))
    if top is CrispStc:
        header = options.out / HEADER_NAME
        write_header(header)
        print(printable(str(header)))


def _synth(options: argparse.Namespace) -> None:
    options.top = options.top or ("accelerator" if options.preset in WHOLE_ON_FPGA else "core")
    for name in ("seeds", "jobs"):
        if getattr(options, name) < 1:
            raise CrispError(f"`--{name}` must be at least 1, not {getattr(options, name)}")
    console = Console(markup=False)
    if options.compare_dense and options.top != "core":
        raise CrispError(f"`--compare-dense` compares cores: it needs `--top core`, not {options.top}")
    config = preset(options.preset)
    dense_config = dense_equivalent(config) if options.compare_dense else None
    name = f"{options.board}-{options.preset}" + ("" if options.top == "core" else f"-{options.top}")
    report = _run(console, synthesize, _job(options, config, name))
    console.print(report.as_table(name))
    console.print(printable(f"written to {options.out / name / 'report.json'}"))
    if dense_config:
        dense = _run(console, pack, _job(options, dense_config, f"{name}-dense"))
        comparison = Comparison(sparse=report, dense=dense)
        comparison.write(options.out / name / "comparison.json")
        console.print(comparison.as_table())


def _job(options: argparse.Namespace, config: CoreConfig, name: str) -> Job:
    return Job(
        name=name,
        board=board(options.board),
        component=TOPS[options.top](config, technology=Technology.ECP5),
        folder=options.out / name,
        seeds=range(1, options.seeds + 1),
        parallel=options.jobs,
    )


def _run(console: Console, build: Callable[[Job, Progress], Result], job: Job) -> Result:
    with console.status(job.name) as status:
        return build(job, status.update if console.is_terminal else console.print)


if __name__ == "__main__":
    sys.exit(main())

"""``crisp synth``: area and clock of the generated hardware on an FPGA."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer
from rich.text import Text

from crisp_cli.commands.hardware.tops import Top, find_top
from crisp_cli.core_option import SMALL, Core
from crisp_cli.terminal import messages, on_stdout, results
from crisp_files.atomic_files import require_new_file
from crisp_files.printable import printable
from crisp_spec.config import CoreConfig
from crisp_spec.errors import CrispError

if TYPE_CHECKING:
    from crisp_hw.build.fpga import Job, Progress

Result = TypeVar("Result")

WHOLE_ON_FPGA = ("ulx3s",)
"""Presets that are made for an FPGA that takes the whole accelerator; of others the core is measured."""


class SynthesisOptionError(CrispError):
    """Two options of `crisp synth` do not go together."""


def synth(
    core: Core = SMALL,
    board: Annotated[str, typer.Option("--board", "-b", help="FPGA board.")] = "ulx3s-85f",
    top: Annotated[
        Top | None,
        typer.Option(help="What to build.", show_default="core, but accelerator for preset ulx3s"),
    ] = None,
    seeds: Annotated[
        int, typer.Option(help="Placements to try; the fastest is reported.", min=1, max=1000)
    ] = 1,
    jobs: Annotated[
        int | None, typer.Option(help="Placements at a time.", min=1, max=1024, show_default="all processors")
    ] = None,
    compare_dense: Annotated[
        bool, typer.Option("--compare-dense", help="Compare with what a dense array takes.")
    ] = False,
    folder: Annotated[Path, typer.Option("--out", "-o", help="Where to write.")] = Path("build/synth"),
) -> None:
    """Synthesize the core or the accelerator for an FPGA board: area, clock frequency, critical path.

    Examples:

    - `crisp synth --board ulx3s-85f --preset small`
    - `crisp synth --preset ulx3s`
    - `crisp synth --config my_core.toml --seeds 4 --compare-dense`
    """
    from crisp_hw.build.fpga import Comparison, Job, dense_equivalent, pack, synthesize
    from crisp_hw.build.fpga.boards import board as find_board
    from crisp_hw.cells import Technology

    chosen: Top = top or ("accelerator" if core.name in WHOLE_ON_FPGA else "core")
    if compare_dense and chosen != "core":
        raise SynthesisOptionError(f"--compare-dense compares cores: it needs `--top core`, not {chosen}")
    place, component = find_board(board), find_top(chosen)
    dense_config = dense_equivalent(core.config) if compare_dense else None
    name = f"{board}-{core}" + ("" if chosen == "core" else f"-{chosen}")
    require_new_file(folder / name / "report.json")

    def job(config: CoreConfig, name: str) -> Job:
        return Job(
            name=name,
            board=place,
            component=component(config, technology=Technology.ECP5),
            folder=folder / name,
            seeds=range(1, seeds + 1),
            parallel=jobs or os.cpu_count() or 1,
        )

    report = _run(synthesize, job(core.config, name))
    with on_stdout():
        results.print(report.as_table(name))
        results.print(f"written to {folder / name / 'report.json'}")
    if dense_config:
        dense = _run(pack, job(dense_config, f"{name}-dense"))
        comparison = Comparison(sparse=report, dense=dense)
        comparison.write(folder / name / "comparison.json")
        with on_stdout():
            results.print(comparison.as_table())


def _run(build: "Callable[[Job, Progress], Result]", job: "Job") -> Result:
    """Build, and say on stderr how far it is: in one line of a terminal, or in many where it is none."""
    if not messages.is_terminal:
        return build(job, messages.print)
    with messages.status(Text(job.name)) as status:
        return build(job, lambda line: status.update(Text(printable(line))))

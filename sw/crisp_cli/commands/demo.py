"""``crisp demo``: the whole way, from checkpoint to bit-exact RTL, with a report."""

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from crisp_cli.core_option import EDGE, Core
from crisp_cli.options import (
    DEFAULT_CHECKPOINT,
    AsJson,
    Classes,
    Clock,
    Data,
    Output,
    Seed,
)
from crisp_cli.rtl.requirements import require_rtl, try_rtl
from crisp_cli.statuses import FAILED
from crisp_cli.terminal import emit, messages, results, say_problem, show_figures, step_display
from crisp_files.atomic_directories import require_own
from crisp_sw.flows.steps import PruneBudget
from crisp_sw.prune import CrispPruning
from crisp_sw.report.numbers import count, percent, ratio, size
from crisp_sw.report.step_summaries import accuracy_figures
from crisp_sw.report.times import CLOCK_MHZ, time_text
from crisp_sw.results.layers import rtl_failures

if TYPE_CHECKING:
    from crisp_sw.flows.demo import DemoFiles
    from crisp_sw.results.core_run import CoreRun
    from crisp_sw.results.demo_report import DemoReport


def demo(
    classes: Classes = "sneaker,bag,coat",
    core: Core = EDGE,
    out: Output = Path("build/demo"),
    checkpoint: Annotated[
        str, typer.Option(help="Checkpoint file, or the name of a shipped one.")
    ] = DEFAULT_CHECKPOINT,
    data: Data = None,
    sparsity: Annotated[
        float, typer.Option("--sparsity", "-s", help="Share of the weights to remove.")
    ] = CrispPruning().sparsity,
    samples: Annotated[
        int, typer.Option(help="Training images per class.")
    ] = PruneBudget().samples_per_class,
    seed: Seed = 0,
    clock: Clock = CLOCK_MHZ,
    fresh: Annotated[bool, typer.Option("--fresh", help="Prune again, whatever is there.")] = False,
    as_json: AsJson = False,
) -> None:
    """Prune a network for a few classes and run it, layer by layer, on the generated RTL.

    Loads a trained checkpoint, prunes it for the classes, quantizes and packs it, simulates every layer on
    the RTL with real test images, and writes report.json and report.html. Fails unless every layer is
    bit-exact and takes exactly the predicted cycles.

    Examples:

    - `crisp demo`
    - `crisp demo --classes sandal,shirt --preset small --out build/shirts`
    """
    require_rtl()
    prune = CrispPruning(sparsity=sparsity)
    budget = PruneBudget(samples_per_class=samples)

    from crisp_cli.cosim.run import run_network_layers
    from crisp_sw.flows.demo import DemoFiles, DemoSettings, run_demo

    settings = DemoSettings(
        classes=classes,
        core=core,
        checkpoint=checkpoint,
        data=data,
        seed=seed,
        clock_mhz=clock,
        fresh=fresh,
        prune=prune,
        budget=budget,
    )
    require_own(out, "result of `crisp demo`", DemoFiles.names())
    with step_display() as progress:

        def run_on_rtl(network: Path, inputs: Path, result: Path) -> "CoreRun":
            progress.stop()  # there are lines of its own
            return run_network_layers(network, inputs, core=core, out=result, say=messages.print)

        report = run_demo(
            settings,
            out,
            run_on_rtl,
            say=messages.print,
            on_progress=progress,
            try_simulator=try_rtl,
            command=shlex.join(["crisp", *sys.argv[1:]]),
        )
    problems = rtl_failures(report.layers)
    emit(report, as_json, lambda: _show(report, DemoFiles(out)))
    for problem in problems:
        say_problem("failed", problem)
    if problems:
        raise typer.Exit(FAILED)


def _show(report: "DemoReport", files: "DemoFiles") -> None:
    totals = report.totals
    figures = {
        **accuracy_figures(report.accuracy),
        "sparsity": percent(report.sparsity),
        "weights": f"{size(totals.bytes_dense)} to {size(totals.bytes_packed)}, "
        f"{ratio(totals.compression)} smaller",
        "cycles": f"{count(totals.cycles_dense or 0)} to {count(totals.cycles_rtl)} per image, "
        f"{ratio(totals.speedup or 0)} faster",
        "time": time_text(totals.cycles_rtl, report.clock_mhz),
        "bit-exact": "yes, every layer" if totals.bit_exact else "no",
        "cycles as predicted": "yes, every layer" if totals.cycles_exact else "no",
    }
    show_figures(f"{', '.join(report.classes)} on preset {report.preset}", figures)
    results.print(f"report: {files.page} and {files.report}")

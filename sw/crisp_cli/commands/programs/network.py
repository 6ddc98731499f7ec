"""``crisp network``: a whole network on the whole accelerator, compared after every layer."""

import shlex
import sys
import time
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from crisp_cli.core_option import EDGE, Core
from crisp_cli.options import AsJson, Clock, Seed
from crisp_cli.rtl.requirements import try_rtl
from crisp_cli.statuses import FAILED, INTERRUPTED
from crisp_cli.terminal import emit, messages, results, say_problem, show_figures, step_display
from crisp_files.atomic_directories import require_own
from crisp_files.atomic_files import require_new_file, write_bytes
from crisp_files.documents import write_document
from crisp_files.output_lock import locked_output
from crisp_sw.flows.program_run.network_options import DEFAULTS, NetworkOptions
from crisp_sw.report.numbers import count, percent, ratio, size
from crisp_sw.report.times import CLOCK_MHZ, time_text
from crisp_sw.seeds import HIGHEST_SEED
from crisp_sw.synthetic.errors import NetworkSettingsError
from crisp_sw.synthetic.settings import DEFAULT_CACHE

if TYPE_CHECKING:
    from crisp_golden.arithmetic.network import QuantizedNetwork
    from crisp_sw.flows.program_run import RunSettings
    from crisp_sw.results.network_run import NetworkReport, RunFigures

REPORT_FILE, PAGE_FILE = "report.json", "report.html"
RUN_NAMES = (REPORT_FILE, PAGE_FILE, "programs", "results")
RUNS = DEFAULT_CACHE / "runs"


def _option(name: str, text: str) -> Any:
    """An option that is None unless it is given, as some networks take no options."""
    return typer.Option(help=text, show_default=str(DEFAULTS[name]) if DEFAULTS[name] else False)


def network(
    network: Annotated[
        str,
        typer.Argument(
            help="resnet50, vgg16, mobilenet_v2, ..., a checkpoint, the name of a shipped one, "
            "a directory of crisp prune or crisp quantize, or a QDQ ONNX file."
        ),
    ],
    nm: Annotated[
        str | None,
        _option("nm", "N:M of the layers. Any M runs on a core with M = 4, but 1:8 takes as long as 1:4."),
    ] = None,
    blocks: Annotated[float | None, _option("blocks", "Share of the blocks that stay.")] = None,
    block_size: Annotated[int | None, _option("block_size", "Edge length of the blocks.")] = None,
    first_nm: Annotated[str | None, _option("first_nm", "N:M of the first layer; dense without it.")] = None,
    layers: Annotated[
        Path | None, _option("layers", "TOML or JSON file with the sparsity of layers by name.")
    ] = None,
    image_size: Annotated[int | None, _option("image_size", "Height and width of the image.")] = None,
    width: Annotated[float | None, _option("width", "Factor on all channel counts.")] = None,
    num_classes: Annotated[int | None, _option("num_classes", "Outputs of the network.")] = None,
    weights: Annotated[
        Path | None,
        _option("weights", "State dict of the model, safetensors or .pth, instead of random weights."),
    ] = None,
    core: Core = EDGE,
    seed: Seed = 0,
    latency: Annotated[
        int,
        typer.Option(
            help="Cycles from an address to its first beat of data in external memory.", min=1, max=1_000_000
        ),
    ] = 40,
    clock: Clock = CLOCK_MHZ,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Directory of report and results.", show_default=f"below {RUNS}"),
    ] = None,
    rtl: Annotated[
        bool, typer.Option("--rtl/--no-rtl", help="Simulate the RTL, or golden's simulator alone.")
    ] = True,
    dense_too: Annotated[
        bool, typer.Option("--dense-too", help="Run the dense network on the RTL, too.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Run a whole network on the accelerator, and compare every layer's output bit for bit.

    A network of a well-known shape is built from a seed, without any data set: its weights are random, or
    those of `--weights`. A checkpoint brings its weights and its shape. Both are pruned by magnitude to the
    pattern that the options ask for, and quantized to int8 with random images; figures of speed need no more.
    What `crisp prune` or `crisp quantize` has made keeps its pattern.

    Everything runs on golden's simulator and on the RTL, the whole accelerator with registers, engines, bus
    and external memory. First the network is cut wherever a single tensor passes, and every part runs with
    the outputs of all its layers stored and compared. Then the whole network runs as one program, in which
    layers are fused. Results are kept as they come: an interrupted run continues where it stopped. Writes
    report.json and report.html.

    Cycles of single layers are those of the cycle model; those of whole programs are counted by the hardware.
    Fails unless everything is bit-exact, with cycles within 1% of the predicted ones.

    Examples:

    - `crisp network resnet50`
    - `crisp network mobilenet_v2 --nm 2:4 --blocks 1 --preset small --no-rtl`
    - `crisp network small_resnet_fashion_mnist --blocks 0.5`
    - `crisp network resnet50 --weights resnet50.pth --layers layers.toml`
    - `crisp network build/pruned --dense-too`
    """
    from crisp_golden.cycles.memory_timing import MemoryTiming
    from crisp_sw.flows.program_run import RunSettings
    from crisp_sw.flows.program_run.requested_network import open_requested
    from crisp_sw.results.network_run import NetworkReport

    started = time.perf_counter()
    memory = MemoryTiming(read_latency=latency, write_latency=-(-latency // 2))
    options = NetworkOptions(
        nm=nm,
        blocks=blocks,
        block_size=block_size,
        first_nm=first_nm,
        layers=layers,
        image_size=image_size,
        width=width,
        num_classes=num_classes,
        weights=weights,
    )
    if out is None:
        require_new_file(RUNS / REPORT_FILE)
    else:
        require_own(out, "result of `crisp network`", RUN_NAMES)
    if dense_too and not rtl:
        raise NetworkSettingsError("`--dense-too` has no effect: `--no-rtl` runs nothing on the RTL")
    try:
        if rtl:
            messages.print("trying the simulator of the RTL")
            try_rtl()
        messages.print(f"opening {network}, or building it unless it is in {DEFAULT_CACHE}")
        source = open_requested(network, options, seed=seed, m=core.config.m)
        folder = out or RUNS / f"{source.key}-{core}"
        image_seed = (seed + 1) % (HIGHEST_SEED + 1)
        settings = RunSettings(config=core.config, memory=memory, seed=image_seed, dense=dense_too)
        with locked_output(folder) if out is None else nullcontext():
            figures = _run(source.network, settings, folder, rtl)
    except KeyboardInterrupt:
        messages.print("interrupted; the same command continues where it stopped")
        raise typer.Exit(INTERRUPTED) from None
    report = NetworkReport(
        **vars(figures),
        network=network,
        source=source.kind,
        preset=core.name,
        settings=source.settings.to_json() if source.settings else None,
        memory=memory,
        clock_mhz=clock,
        command=shlex.join(["crisp", *sys.argv[1:]]),
        seconds=time.perf_counter() - started,
    )
    _finish(report, folder, as_json)


def _run(network: "QuantizedNetwork", settings: "RunSettings", folder: Path, rtl: bool) -> "RunFigures":
    from crisp_sw.flows.program_run import NetworkRun, iss_platform

    def say(text: str) -> None:
        messages.print(text)

    with step_display(announce=False) as progress:
        run = NetworkRun(network, settings, folder, say, progress)
        platforms = [iss_platform(settings.config)]
        if rtl:
            from crisp_cli.rtl.platform import rtl_platform

            say("building the model of the accelerator, unless it is there")
            platforms.append(rtl_platform(settings.config, settings.memory))
        return run.run(platforms)


def _finish(report: "NetworkReport", folder: Path, as_json: bool) -> None:
    """Write and print the report; end with an error if something is not as it should be."""
    from crisp_sw.report.pages.network_page import render_network_page

    write_document(folder / REPORT_FILE, report)
    write_bytes(folder / PAGE_FILE, render_network_page(report).encode())
    emit(report, as_json, lambda: _show(report, folder))
    problems = report.failures()
    for problem in problems:
        say_problem("failed", problem)
    if problems:
        raise typer.Exit(FAILED)


def _show(report: "NetworkReport", folder: Path) -> None:
    totals = report.totals
    counted = totals.cycles_counted
    dense = totals.cycles_dense
    compared = totals.compared
    figures = {
        "cycles": f"{totals.cycles_predicted:,} predicted"
        + (f", {counted:,} counted on the RTL" if counted else ""),
        "dense": f"{dense:,} {'counted' if totals.dense_counted else 'predicted'}; "
        f"sparse is {ratio(totals.speedup)} faster"
        if dense is not None and totals.speedup is not None
        else "does not fit",
        "time": time_text(totals.cycles, report.clock_mhz),
        "roofline": f"{count(totals.bound)} cycles at least; {percent(totals.roofline)} of it reached",
        "array": f"{percent(totals.utilization)} of all cycles at work",
        "traffic": f"{size(totals.traffic)}, layer by layer {size(totals.traffic_unfused)}",
        "bit-exact": f"{'yes' if totals.bit_exact else 'no'}; of {totals.layers} layers "
        f"{compared.iss} compared on golden's simulator, {compared.rtl} on the RTL",
    }
    if totals.cycles_per_second:
        figures["simulation"] = f"{count(totals.cycles_per_second)} cycles per second"
    show_figures(f"{report.network} on preset {report.preset}", figures)
    results.print(f"report: {folder / PAGE_FILE} and {folder / REPORT_FILE}")

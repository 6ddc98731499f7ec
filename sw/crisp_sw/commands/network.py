"""``crisp network``: a whole network on the whole accelerator, compared after every layer."""

import shlex
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from crisp_golden.config import preset as find_preset
from crisp_golden.network import QuantizedNetwork
from crisp_golden.program.timeline import MemoryTiming
from crisp_sw.commands.options import AsJson, PresetName, Seed
from crisp_sw.commands.terminal import emit, messages, results, show_figures, step_display
from crisp_sw.network_run import NetworkRun, RunSettings, iss_platform, rtl_platform, run_failures
from crisp_sw.network_run.program_cache import network_digest
from crisp_sw.network_source import open_network
from crisp_sw.networks import NetworkSettings, cached_network, network_key
from crisp_sw.networks.cache import DEFAULT_CACHE
from crisp_sw.networks.command import sparsity_rules
from crisp_sw.qdq import is_onnx_file
from crisp_sw.report.network_page import render_network_page
from crisp_sw.report.numbers import count, percent, ratio, size
from crisp_sw.report.page import write_page
from crisp_sw.steps.json_files import write_json

CHECK_FAILED = 1
RUNS = DEFAULT_CACHE / "runs"


def network(
    network: Annotated[
        str,
        typer.Argument(help="resnet50, vgg16, mobilenet_v2, ..., a packed network, or a QDQ ONNX file."),
    ],
    nm: Annotated[str, typer.Option(help="N:M of the layers; M is that of the core.")] = "1:4",
    blocks: Annotated[float, typer.Option(help="Share of the blocks that stay.")] = 0.28,
    block_size: Annotated[int, typer.Option(help="Edge length of the blocks.")] = 16,
    first_nm: Annotated[str | None, typer.Option(help="N:M of the first layer; dense without it.")] = None,
    layers: Annotated[
        Path | None, typer.Option(help="TOML or JSON file with the sparsity of layers by name.")
    ] = None,
    image_size: Annotated[int, typer.Option(help="Height and width of the image.")] = 224,
    width: Annotated[float, typer.Option(help="Factor on all channel counts.")] = 1.0,
    num_classes: Annotated[int, typer.Option(help="Outputs of the network.")] = 1000,
    preset: PresetName = "edge",
    seed: Seed = 0,
    latency: Annotated[
        int, typer.Option(help="Cycles from an address to its first beat of data in external memory.", min=1)
    ] = 40,
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

    A network of a well-known shape is built from a seed, without any data set: its weights are random, pruned
    to the pattern that the options ask for, and quantized to int8; figures of speed need no more. Or give the
    directory of a network that `crisp quantize` has packed.

    Everything runs on golden's simulator and on the RTL, the whole accelerator with registers, engines, bus
    and external memory. First the network is cut wherever a single tensor passes, and every part runs with
    the outputs of all its layers stored and compared. Then the whole network runs as one program, in which
    layers are fused. Results are kept as they come: an interrupted run continues where it stopped. Writes
    report.json and report.html.

    Cycles of single layers are those of the cycle model; those of whole programs are counted by the hardware.
    Fails unless everything is bit-exact.

    Examples:

    - `crisp network resnet50`
    - `crisp network mobilenet_v2 --nm 2:4 --blocks 1 --preset small --no-rtl`
    - `crisp network build/network --dense-too`
    """
    started = time.perf_counter()
    config, memory = find_preset(preset), MemoryTiming(read_latency=latency, write_latency=-(-latency // 2))
    given = Path(network)
    if given.is_dir() or is_onnx_file(given):
        settings, (loaded, _) = None, open_network(given, m=config.m)
        key = f"{given.resolve().stem}-{network_digest(loaded)[:16]}"
    else:
        settings = NetworkSettings(
            model=network,
            image_size=image_size,
            num_classes=num_classes,
            width=width,
            rules=sparsity_rules(nm, blocks, block_size, first_nm, layers),
            seed=seed,
        )
        messages.print(f"building {network}, unless it is in {DEFAULT_CACHE}", markup=False)
        key, loaded = network_key(settings), cached_network(settings)
    folder = out or RUNS / f"{key}-{preset}"
    with step_display() as progress:
        run = NetworkRun(
            loaded,
            RunSettings(config=config, memory=memory, seed=seed + 1, dense=dense_too),
            folder,
            lambda text: messages.print(text, markup=False),
            progress,
        )
        platforms = [iss_platform(config)]
        if rtl:
            messages.print("building the model of the accelerator, unless it is there")
            platforms.append(rtl_platform(config, memory))
        report = run.run(platforms)
    report |= {
        "network": network,
        "preset": preset,
        "settings": settings.to_json() if settings else None,
        "memory": vars(memory),
        "command": shlex.join(["crisp", *sys.argv[1:]]),
        "seconds": time.perf_counter() - started,
    }
    _finish(report, loaded, folder, as_json)


def _finish(report: dict[str, Any], network: QuantizedNetwork, folder: Path, as_json: bool) -> None:
    """Write and print the report; end with an error if something differs."""
    write_json(folder / "report.json", report)
    write_page(folder / "report.html", render_network_page(report))
    emit(report, as_json, lambda: _show(report, network, folder))
    problems = run_failures(report)
    for problem in problems:
        messages.print(f"[bold red]failed:[/bold red] {problem}")
    if problems:
        raise typer.Exit(CHECK_FAILED)


def _show(report: dict[str, Any], network: QuantizedNetwork, folder: Path) -> None:
    totals = report["totals"]
    counted = totals["cycles_counted"]
    dense = totals["dense_counted"] or totals["dense_predicted"]
    compared = totals["compared"]
    figures = {
        "cycles": f"{totals['cycles_predicted']:,} predicted"
        + (f", {counted:,} counted on the RTL" if counted else ""),
        "dense": f"{dense:,} {'counted' if totals['dense_counted'] else 'predicted'}; "
        f"sparse is {ratio(totals['speedup'])} faster"
        if dense
        else "does not fit",
        "roofline": f"{count(totals['bound'])} cycles at least; {percent(totals['roofline'])} of it reached",
        "array": f"{percent(totals['utilization'])} of all cycles at work",
        "traffic": f"{size(totals['traffic'])}, layer by layer {size(totals['traffic_unfused'])}",
        "bit-exact": f"{'yes' if totals['bit_exact'] else 'no'}; of {totals['layers']} layers "
        f"{compared['iss']} compared on golden's simulator, {compared['rtl']} on the RTL",
    }
    if totals["cycles_per_second"]:
        figures["simulation"] = f"{count(totals['cycles_per_second'])} cycles per second"
    show_figures(f"{report['network']} on preset {report['preset']}", figures)
    results.print(f"report: {folder / 'report.html'} and {folder / 'report.json'}", markup=False)

"""Runs a packed network, layer by layer, on the generated core in simulation."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from crisp_files.documents import write_document
from crisp_files.json_values import from_json
from crisp_sim.devices import core_verilog
from crisp_sim.errors import BenchError
from crisp_sim.runs.runner import BUILD, Bench, run_bench
from crisp_spec.config import NamedConfig
from crisp_sw.results.core_run import CoreRun
from crisp_sw.results.layers import RtlLayer


def run_network_layers(
    network: Path,
    inputs: Path,
    *,
    core: NamedConfig,
    out: Path,
    sim: str = "verilator",
    layers: str | None = None,
    waves: bool = False,
    build: Path = BUILD,
    say: Callable[[str], None] = lambda line: None,
) -> CoreRun:
    """Run every convolution and linear layer of a packed network on the RTL, and measure it.

    Parameters
    ----------
    network : folder written by ``crisp_sw.exchange.packed.save_network``.
    inputs : safetensors file with ``images`` int8[B, C, H, W], the network's quantized inputs.
    out : JSON file with the result.
    layers : regular expression that layer names must match; None for all.
    say : called with a line for every layer that is done.

    Returns
    -------
    What was measured, as in ``out``; whether it is right says ``demand_exactness``.

    Raises
    ------
    ToolError, BuildError : the simulation could not be built.
    BenchError : it failed.
    """
    bench = Bench(
        verilog=core_verilog(core.config, build),
        top="crisp_core",
        module="crisp_cli.cosim.bench_network",
        tests=1,
        parameters={
            "config": asdict(core.config),
            "network": str(network.resolve()),
            "inputs": str(inputs.resolve()),
            "layers": layers,
        },
    )
    said = 0

    def say_layers(measurements: Mapping[str, Any]) -> None:
        nonlocal said
        for row in measurements.get("layers", [])[said:]:
            said += 1
            verdict = "bit-exact" if row["bit_exact"] else "NOT bit-exact"
            say(f"layer {said}, {row['name']}: {verdict}, {row['cycles_rtl']:,} cycles")

    result = run_bench(bench, sim=sim, waves=waves, build=build, on_measurements=say_layers)
    rows = from_json(tuple[RtlLayer, ...], result.measurements["layers"], "layers")
    measured = CoreRun(preset=core.name, sim=sim, layers=rows)
    write_document(out, measured)
    return measured


def demand_exactness(layers: Sequence[RtlLayer]) -> None:
    """Check layers that ``run_network_layers`` measured.

    Raises
    ------
    BenchError : outputs or cycles of a layer differ from golden; names it.
    """
    wrong = [layer.name for layer in layers if not layer.bit_exact]
    if wrong:
        raise BenchError(f"outputs differ from golden in {', '.join(wrong)}")
    off = [
        f"{layer.name} ({layer.cycles_rtl} instead of {layer.cycles_predicted})"
        for layer in layers
        if layer.cycles_rtl != layer.cycles_predicted
    ]
    if off:
        raise BenchError(f"cycles differ from the prediction in {', '.join(off)}")

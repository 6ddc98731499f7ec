"""``crisp cosim``: the layers of a packed network on the RTL of the core, one by one."""

import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from crisp_cli.core_option import EDGE, Core
from crisp_cli.options import AsJson, Output, Simulator, Waves
from crisp_cli.rtl.requirements import require_rtl
from crisp_cli.terminal import emit, messages, results
from crisp_files.atomic_files import require_new_file
from crisp_spec.errors import CrispError

if TYPE_CHECKING:
    from crisp_sw.results.core_run import CoreRun


class CosimError(CrispError):
    """There is nothing that could run layer by layer."""


def cosim(
    network: Annotated[Path, typer.Argument(help="Packed network, written by crisp quantize.")],
    inputs: Annotated[
        Path, typer.Option("--inputs", "-i", help="safetensors with `images` int8[B, C, H, W].")
    ],
    core: Core = EDGE,
    layer: Annotated[
        str | None, typer.Option(help="Only layers in whose name this regular expression is found.")
    ] = None,
    out: Output = Path("build/cosim.json"),
    sim: Simulator = "verilator",
    waves: Waves = False,
    as_json: AsJson = False,
) -> None:
    """Run every layer of a packed network on the RTL and compare it bit for bit with the golden model.

    Fails unless every layer is bit-exact and takes exactly the predicted cycles.

    Example: `crisp cosim build/network --inputs images.safetensors --preset edge`
    """
    from crisp_sw.exchange.onnx import is_onnx_file

    if is_onnx_file(network):
        command = shlex.join(["crisp", "export", str(network), "--out", str(network.with_suffix(""))])
        raise CosimError(f"{network}: expected a packed network, which `{command}` makes")
    require_new_file(out)
    require_rtl()
    from crisp_cli.cosim.inputs import read_images
    from crisp_cli.cosim.run import demand_exactness, run_network_layers
    from crisp_golden.arithmetic.network import QuantizedConv
    from crisp_sw.exchange.packed import load_network

    loaded = load_network(network)
    read_images(inputs, loaded)
    _require_layer([node.name for node in loaded.nodes if isinstance(node.layer, QuantizedConv)], layer)
    report = run_network_layers(
        network, inputs, core=core, out=out, sim=sim, layers=layer, waves=waves, say=messages.print
    )
    demand_exactness(report.layers)
    emit(report, as_json, lambda: _show(report, out))


def _show(report: "CoreRun", out: Path) -> None:
    count = len(report.layers)
    results.print(f"{count} layers, bit-exact, in the predicted cycles; written to {out}")


def _require_layer(names: list[str], pattern: str | None) -> None:
    try:
        found = pattern is None or any(re.search(pattern, name) for name in names)
    except re.error as error:
        raise CosimError(f"{pattern!r} is not a regular expression: {error}") from error
    if not found:
        raise CosimError(f"no layer matches {pattern!r}; expected some of {', '.join(names)}")

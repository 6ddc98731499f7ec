"""``crisp inspect``: layers, sparsity, bytes and predicted cycles of a packed network."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from crisp_golden.config import preset as find_preset
from crisp_golden.errors import CapacityError
from crisp_golden.layer_report import layer_report
from crisp_golden.network import MaxPool, QuantizedConv, QuantizedNetwork
from crisp_sw.commands.options import AsJson, PresetName
from crisp_sw.commands.terminal import emit, results
from crisp_sw.export import load_metadata, load_network

_SUMMED = ("bytes_dense", "bytes_packed", "cycles_predicted", "cycles_dense")
_HEADINGS = ("layer", "K", "R", "P", "B", "N:M", "blocks", "dense B", "packed B", "cycles", "dense")


def inspect(
    network: Annotated[Path, typer.Argument(help="Packed network, written by crisp quantize.")],
    preset: PresetName = "edge",
    as_json: AsJson = False,
) -> None:
    """Show what a packed network consists of, and the cycles that it takes.

    Cycles are those of the cycle model, which the RTL meets exactly.

    Example: `crisp inspect build/network --preset small --json`
    """
    loaded, config = load_network(network), find_preset(preset)
    layers = []
    for layer, height, width in conv_inputs(loaded):
        try:
            layers.append(layer_report(config, layer, height, width))
        except CapacityError as error:
            raise CapacityError(f"preset {preset}, layer {layer.name}: {error}") from error
    figures = {
        "network": str(network),
        "preset": preset,
        "input_shape": list(loaded.input_shape),
        "classes": list(loaded.classes),
        "metadata": load_metadata(network),
        "layers": layers,
    }
    emit(figures, as_json, lambda: _show(network, loaded, layers))


def conv_inputs(network: QuantizedNetwork) -> list[tuple[QuantizedConv, int, int]]:
    """Every convolution with the height and width of its input, in order."""
    sizes = {"input": network.input_shape[1:]}
    found = []
    for node in network.nodes:
        layer, (height, width) = node.layer, sizes[node.inputs[0]]
        if isinstance(layer, MaxPool):
            grown = 2 * layer.padding - layer.kernel
            sizes[node.name] = ((height + grown) // layer.stride + 1, (width + grown) // layer.stride + 1)
        else:
            found.append((layer, height, width))
            sizes[node.name] = layer.out_size(height, width)
    return found


def _show(path: Path, network: QuantizedNetwork, layers: list[dict[str, Any]]) -> None:
    channels, height, width = network.input_shape
    outputs = ", ".join(network.classes) or "outputs without names"
    results.print(f"[bold]{path}[/bold]: image of {channels} x {height} x {width} to {outputs}")
    table = Table(box=None, header_style="dim", pad_edge=False)
    for heading in _HEADINGS:
        table.add_column(heading, justify="left" if heading == "layer" else "right", no_wrap=True)
    for layer in layers:
        table.add_row(*_cells(layer))
    totals = [f"{sum(layer[column] for layer in layers):,}" for column in _SUMMED]
    table.add_section()
    table.add_row("total", *[""] * 6, *totals, style="bold")
    results.print(table)


def _cells(layer: dict[str, Any]) -> list[str]:
    return [
        layer["name"],
        *(f"{layer[column]:,}" for column in ("K", "R", "P")),
        str(layer["block"] or "-"),
        f"{layer['n']}:{layer['m']}",
        f"{layer['kept_blocks']}/{layer['total_blocks']}",
        *(f"{layer[column]:,}" for column in _SUMMED),
    ]

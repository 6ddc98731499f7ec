"""Figures of a quantized network that need no simulation: patterns, sizes, MACs, predicted cycles."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from crisp_golden.arithmetic.network import QuantizedConv, QuantizedNetwork
from crisp_golden.arithmetic.shapes import tensor_shapes
from crisp_golden.cycles.core_cycles import dense_cycles
from crisp_golden.cycles.layer_report import layer_report
from crisp_spec.config import CoreConfig
from crisp_spec.errors import CapacityError
from crisp_sw.compile.compiler import compile_network
from crisp_sw.flows.program_run.dense_twin import dense_twin
from crisp_sw.programs.costs import program_figures

_SUMMED = ("weights", "nonzero", "macs_dense", "macs", "bytes_dense", "bytes_packed")
_CYCLES = ("cycles_predicted", "cycles_ideal")


def inspect_layers(config: CoreConfig, network: QuantizedNetwork) -> list[dict[str, Any]]:
    """Figures of every convolution, in order.

    Returns
    -------
    What `crisp_golden.cycles.layer_report.layer_report` gives, with the cycles of the layer alone on the
    core, and ``weights`` and ``nonzero`` of its weights, ``macs`` and ``macs_dense`` per image. Where only
    the dense form exceeds the core, ``cycles_dense`` is None, and ``dense_does_not_fit`` says why.

    Raises
    ------
    CapacityError : a layer does not fit the core; names it.
    """
    layers = []
    for layer, height, width in conv_inputs(network):
        try:
            report = layer_report(config, layer, height, width, dense=False)
        except CapacityError as error:
            raise CapacityError(f"layer {layer.name}: {error}") from error
        report |= _dense_figures(config, layer, height, width)
        pixels, nonzero = int(np.prod(layer.out_size(height, width))), int(np.count_nonzero(layer.weight))
        counts = {"weights": layer.weight.size, "nonzero": nonzero}
        macs = {"macs_dense": layer.weight.size * pixels, "macs": nonzero * pixels}
        layers.append({**report, **counts, **macs})
    return layers


def _dense_figures(config: CoreConfig, layer: QuantizedConv, height: int, width: int) -> dict[str, Any]:
    try:
        cycles = dense_cycles(config, layer, height, width).total
    except CapacityError as error:
        return {"cycles_dense": None, "dense_does_not_fit": str(error)}
    return {"cycles_dense": cycles, "dense_does_not_fit": None}


def inspection_totals(layers: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Sums over all layers, and ``sparsity``, ``compression``, ``mac_reduction`` and ``speedup``.

    ``cycles_dense`` and ``speedup`` are None where a layer has no dense cycles.
    """
    sums = {key: sum(layer[key] for layer in layers) for key in (*_SUMMED, *_CYCLES)}
    dense = [layer["cycles_dense"] for layer in layers]
    cycles_dense = None if None in dense else sum(dense)
    return {
        **sums,
        "cycles_dense": cycles_dense,
        "sparsity": 1 - sums["nonzero"] / max(1, sums["weights"]),
        "compression": sums["bytes_dense"] / max(1, sums["bytes_packed"]),
        "mac_reduction": sums["macs_dense"] / max(1, sums["macs"]),
        "speedup": None if cycles_dense is None else cycles_dense / max(1, sums["cycles_predicted"]),
    }


def inspect_program(config: CoreConfig, network: QuantizedNetwork) -> dict[str, Any]:
    """Cycles and traffic of the whole network on the whole accelerator, compiled and fused.

    Returns
    -------
    ``cycles``, ``traffic`` in bytes, ``memory`` as `memory_use` has it, and of the same network without zeros
    ``cycles_dense`` and ``speedup``; None where the dense network does not fit the core.
    """
    sparse = program_figures(compile_network(config, network))
    try:
        dense = program_figures(compile_network(config, dense_twin(network))).cycles
    except CapacityError:
        dense = None
    return {
        "cycles": sparse.cycles,
        "traffic": sparse.whole.read + sparse.whole.written,
        "memory": {name: use.to_json() for name, use in sparse.memory.items()},
        "cycles_dense": dense,
        "speedup": None if dense is None else dense / sparse.cycles,
    }


def conv_inputs(network: QuantizedNetwork) -> list[tuple[QuantizedConv, int, int]]:
    """Every convolution with the height and width of its input, in order."""
    shapes = tensor_shapes(network)
    return [
        (node.layer, *shapes[node.inputs[0]][1:])
        for node in network.nodes
        if isinstance(node.layer, QuantizedConv)
    ]

"""Figures of a quantized network that need no simulation: patterns, sizes, MACs, predicted cycles."""

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
from crisp_sw.results.inspection import InspectedProgram
from crisp_sw.results.layers import InspectedLayer


def inspect_layers(config: CoreConfig, network: QuantizedNetwork) -> tuple[InspectedLayer, ...]:
    """Figures of every convolution, in order, with the cycles of the layer alone on the core.

    Where only the dense form exceeds the core, there are no dense cycles, but the reason.

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
        nonzero = int(np.count_nonzero(layer.weight))
        layers.append(
            InspectedLayer(
                **vars(report) | _dense_figures(config, layer, height, width),
                weights=layer.weight.size,
                nonzero=nonzero,
                macs_dense=layer.weight.size * report.P,
                macs=nonzero * report.P,
            )
        )
    return tuple(layers)


def _dense_figures(config: CoreConfig, layer: QuantizedConv, height: int, width: int) -> dict[str, Any]:
    try:
        cycles = dense_cycles(config, layer, height, width).total
    except CapacityError as error:
        return {"cycles_dense": None, "dense_does_not_fit": str(error)}
    return {"cycles_dense": cycles, "dense_does_not_fit": None}


def inspect_program(config: CoreConfig, network: QuantizedNetwork) -> InspectedProgram:
    """Cycles and traffic of the whole network on the whole accelerator, compiled and fused."""
    sparse = program_figures(compile_network(config, network))
    try:
        dense = program_figures(compile_network(config, dense_twin(network))).cycles
    except CapacityError:
        dense = None
    return InspectedProgram(
        cycles=sparse.cycles, traffic=sparse.whole.traffic, memory=sparse.memory, cycles_dense=dense
    )


def conv_inputs(network: QuantizedNetwork) -> list[tuple[QuantizedConv, int, int]]:
    """Every convolution with the height and width of its input, in order."""
    shapes = tensor_shapes(network)
    return [
        (node.layer, *shapes[node.inputs[0]][1:])
        for node in network.nodes
        if isinstance(node.layer, QuantizedConv)
    ]

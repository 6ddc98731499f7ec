"""The figures of a network's run, put together from its programs, their bounds, and the runs of them."""

from collections.abc import Mapping, Sequence

import numpy as np

from crisp_golden.arithmetic.network import QuantizedConv, QuantizedNetwork
from crisp_golden.cycles.roofline import (
    NetworkBound,
    NetworkNeeds,
    mapped_network,
    network_bound,
    network_needs,
)
from crisp_spec.config import CoreConfig
from crisp_sw.flows.program_run.dense_twin import dense_twin
from crisp_sw.programs.costs import ProgramFigures
from crisp_sw.results.network_run import (
    DENSE_UNIT,
    WHOLE_UNIT,
    Bound,
    BoundedGroup,
    ComparedLayers,
    Exactness,
    LayerCosts,
    LayerPattern,
    RunFigures,
    RunLayer,
    RunTotals,
    UnitResult,
)

ISS, RTL = "iss", "rtl"


def run_figures(
    *,
    network: QuantizedNetwork,
    config: CoreConfig,
    programs: Mapping[str, ProgramFigures],
    parts: Sequence[tuple[str, ...]],
    results: Sequence[UnitResult],
) -> RunFigures:
    """Put everything together that is known about a network.

    Parameters
    ----------
    programs : ``fused``, ``unfused`` and, if it fits, ``dense``.
    parts : layers of the parts in which every layer was compared.
    results : of all runs.
    """
    fused = programs["fused"]
    needs = _needs(network, fused)
    resident = {group.stages[-1] for group in fused.groups if group.resident_out}
    bound = network_bound(needs, [group.stages for group in fused.groups], resident)
    layers = _layers(network, needs, programs, results)
    return RunFigures(
        config=config,
        input_shape=network.input_shape,
        totals=_totals(programs, needs, bound, results, layers),
        programs={name: figures.whole for name, figures in programs.items()},
        memory_use=fused.memory,
        groups=tuple(
            BoundedGroup(**vars(group), bound=Bound.of(own))
            for group, own in zip(fused.groups, bound.groups, strict=True)
        ),
        layers=layers,
        parts=tuple(parts),
        runs=tuple(results),
    )


def _needs(network: QuantizedNetwork, figures: ProgramFigures) -> NetworkNeeds:
    return network_needs(figures.image.config, mapped_network(network, figures.image.mapping))


def _layers(
    network: QuantizedNetwork,
    needs: NetworkNeeds,
    programs: Mapping[str, ProgramFigures],
    results: Sequence[UnitResult],
) -> tuple[RunLayer, ...]:
    fused, dense = programs["fused"], programs.get("dense")
    costs = _layer_costs(needs, fused)
    dense_costs = _layer_costs(_needs(dense_twin(network), dense), dense) if dense else {}
    nodes = {node.name: node.layer for node in network.nodes}
    group_of = {name: number for number, group in enumerate(fused.groups) for name in group.stages}
    return tuple(
        RunLayer(
            **vars(costs[need.name]),
            name=need.name,
            K=need.channels,
            R=need.reduction,
            P=need.pixels,
            n=need.n,
            kept_windows=need.kept,
            windows=need.windows,
            group=group_of[need.name],
            pattern=_pattern(nodes[need.name]),
            weights=_weights(nodes[need.name]).size,
            nonzero=int(np.count_nonzero(_weights(nodes[need.name]))),
            dense=dense_costs.get(need.name),
            exact=Exactness(
                iss=_is_exact(need.name, results, ISS),
                rtl=_is_exact(need.name, results, RTL),
            ),
        )
        for need in needs.layers
    )


def _layer_costs(needs: NetworkNeeds, figures: ProgramFigures) -> dict[str, LayerCosts]:
    """By layer: what it takes in a program, and its bound by its own work and its own traffic there."""
    beat = figures.image.config.bus_bits // 8
    costs = {}
    for need in needs.layers:
        stage = figures.stages[need.name]
        bound = Bound(compute=need.compute, read=-(-stage.read // beat), write=-(-stage.written // beat))
        costs[need.name] = LayerCosts(**vars(stage), ideal=need.compute, bound=bound)
    return costs


def _weights(layer: object) -> np.ndarray:
    return layer.weight if isinstance(layer, QuantizedConv) else np.empty(0, np.int8)


def _pattern(layer: object) -> LayerPattern | None:
    if not isinstance(layer, QuantizedConv) or layer.pattern is None:
        return None
    pattern = layer.pattern
    return LayerPattern(
        n=pattern.n,
        m=pattern.m,
        block=pattern.block,
        kept_blocks=int(pattern.block_mask.sum()),
        blocks=pattern.block_mask.size,
    )


def _is_exact(layer: str, results: Sequence[UnitResult], platform: str) -> bool | None:
    """Whether a layer's output was right wherever it was compared; None if it was not."""
    counts = [
        result.differing[layer]
        for result in results
        if result.platform == platform and result.unit != DENSE_UNIT and layer in result.differing
    ]
    return not any(counts) if counts else None


def _totals(
    programs: Mapping[str, ProgramFigures],
    needs: NetworkNeeds,
    bound: NetworkBound,
    results: Sequence[UnitResult],
    layers: Sequence[RunLayer],
) -> RunTotals:
    fused, unfused, dense = programs["fused"], programs["unfused"], programs.get("dense")
    whole, dense_run = _result(results, WHOLE_UNIT), _result(results, DENSE_UNIT)
    timed = [result for result in results if result.platform == RTL and not result.error]
    simulated, seconds = sum(r.cycles for r in timed), sum(r.seconds for r in timed)
    return RunTotals(
        layers=len(layers),
        weights=sum(layer.weights for layer in layers),
        nonzero=sum(layer.nonzero for layer in layers),
        cycles_predicted=fused.cycles,
        cycles_counted=whole.cycles if whole else None,
        counters=whole.counters if whole else None,
        dense_predicted=dense.cycles if dense else None,
        dense_counted=dense_run.cycles if dense_run else None,
        unfused_predicted=unfused.cycles,
        ideal=sum(need.compute for need in needs.layers),
        bound=bound.cycles,
        bound_overlapped=bound.overlapped,
        bound_unfused=network_bound(needs).cycles,
        traffic=fused.whole.traffic,
        traffic_unfused=unfused.whole.traffic,
        bit_exact=bool(results) and all(result.bit_exact for result in results),
        compared=ComparedLayers(
            iss=sum(layer.exact.iss is not None for layer in layers),
            rtl=sum(layer.exact.rtl is not None for layer in layers),
        ),
        cycles_per_second=simulated / seconds if seconds else None,
        simulated_cycles=simulated,
    )


def _result(results: Sequence[UnitResult], unit: str) -> UnitResult | None:
    return next((r for r in results if r.platform == RTL and r.unit == unit and not r.error), None)

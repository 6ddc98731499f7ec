"""The report of a network's run, as one JSON document."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from crisp_golden.arithmetic.network import QuantizedConv, QuantizedNetwork
from crisp_golden.cycles.roofline import (
    GroupBound,
    LayerNeeds,
    NetworkBound,
    NetworkNeeds,
    mapped_network,
    network_bound,
    network_needs,
)
from crisp_spec.config import CoreConfig
from crisp_sw.flows.program_run.dense_twin import dense_twin
from crisp_sw.flows.program_run.units import UnitResult
from crisp_sw.programs.costs import ProgramFigures

ISS, RTL = "iss", "rtl"
WHOLE_UNIT, DENSE_UNIT = "the whole network", "the dense network"


def assemble(
    *,
    network: QuantizedNetwork,
    config: CoreConfig,
    programs: Mapping[str, ProgramFigures],
    parts: Sequence[Sequence[str]],
    results: Sequence[UnitResult],
) -> dict[str, Any]:
    """Put everything together that is known about a network.

    Parameters
    ----------
    programs : ``fused``, ``unfused`` and, if it fits, ``dense``.
    parts : layers of the parts in which every layer was compared.
    results : of all runs.
    """
    fused = programs["fused"]
    needs = _needs(network, fused)
    groups = [names for names, _, _ in fused.groups]
    resident = {names[-1] for names, described, _ in fused.groups if described["resident_out"]}
    bound = network_bound(needs, groups, resident)
    layers = _layers(network, needs, programs, results)
    return {
        "config": asdict(config),
        "input_shape": list(network.input_shape),
        "totals": _totals(programs, needs, bound, results, layers),
        "programs": {name: _of_whole(figures) for name, figures in programs.items()},
        "memory_use": fused.to_json()["memory"],
        "groups": _groups(fused, bound),
        "layers": layers,
        "parts": [list(names) for names in parts],
        "runs": [result.to_json() for result in results],
    }


def _needs(network: QuantizedNetwork, figures: ProgramFigures) -> NetworkNeeds:
    return network_needs(figures.image.config, mapped_network(network, figures.image.mapping))


def _of_whole(figures: ProgramFigures) -> dict[str, Any]:
    parts = ("stages", "groups", "memory")
    return {name: value for name, value in figures.to_json().items() if name not in parts}


def _groups(fused: ProgramFigures, bound: NetworkBound) -> list[dict[str, Any]]:
    described = fused.to_json()["groups"]
    return [{**group, "bound": _bound(own)} for group, own in zip(described, bound.groups, strict=True)]


def _bound(bound: GroupBound) -> dict[str, Any]:
    return {
        "compute": bound.compute,
        "read": bound.read,
        "write": bound.write,
        "cycles": bound.cycles,
        "limit": bound.limit,
    }


def _layers(
    network: QuantizedNetwork,
    needs: NetworkNeeds,
    programs: Mapping[str, ProgramFigures],
    results: Sequence[UnitResult],
) -> list[dict[str, Any]]:
    fused, dense = programs["fused"], programs.get("dense")
    costs = _layer_costs(needs, fused)
    dense_costs = _layer_costs(_needs(dense_twin(network), dense), dense) if dense else {}
    nodes = {node.name: node.layer for node in network.nodes}
    group_of = {name: number for number, (names, _, _) in enumerate(fused.groups) for name in names}
    return [
        {
            "name": need.name,
            "group": group_of[need.name],
            **_shape(need),
            **_sparsity(nodes[need.name]),
            **costs[need.name],
            "dense": dense_costs.get(need.name),
            "exact": {name: _is_exact(need.name, results, name) for name in (ISS, RTL)},
        }
        for need in needs.layers
    ]


def _layer_costs(needs: NetworkNeeds, figures: ProgramFigures) -> dict[str, dict[str, Any]]:
    """By layer: what it takes in a program, and its bound by its own work and its own traffic there."""
    beat = figures.image.config.bus_bits // 8
    costs = {}
    for need in needs.layers:
        stage = figures.stages[need.name]
        bound = GroupBound(
            layers=(need.name,),
            compute=need.compute,
            read=-(-stage.read // beat),
            write=-(-stage.written // beat),
        )
        costs[need.name] = {
            **stage.to_json(),
            "ideal": need.compute,
            "utilization": need.compute / max(1, stage.cycles),
            "bound": _bound(bound),
        }
    return costs


def _shape(need: LayerNeeds) -> dict[str, int]:
    return {
        "K": need.channels,
        "R": need.reduction,
        "P": need.pixels,
        "n": need.n,
        "kept_windows": need.kept,
        "windows": need.windows,
    }


def _sparsity(layer: object) -> dict[str, Any]:
    """The layer's own pattern, and how many of its weights are not zero."""
    if not isinstance(layer, QuantizedConv):
        return {"pattern": None, "weights": 0, "nonzero": 0}
    pattern = layer.pattern
    return {
        "pattern": None
        if pattern is None
        else {
            "n": pattern.n,
            "m": pattern.m,
            "block": pattern.block,
            "kept_blocks": int(pattern.block_mask.sum()),
            "blocks": pattern.block_mask.size,
        },
        "weights": layer.weight.size,
        "nonzero": int(np.count_nonzero(layer.weight)),
    }


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
    layers: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    fused, unfused, dense = programs["fused"], programs["unfused"], programs.get("dense")
    whole, dense_run = _result(results, WHOLE_UNIT), _result(results, DENSE_UNIT)
    timed = [result for result in results if result.platform == RTL and not result.error]
    cycles = whole.cycles if whole else fused.cycles
    predicted = dense.cycles if dense else None
    dense_cycles = dense_run.cycles if dense_run else predicted
    simulated, seconds = sum(r.cycles for r in timed), sum(r.seconds for r in timed)
    return {
        "layers": len(layers),
        "weights": sum(layer["weights"] for layer in layers),
        "nonzero": sum(layer["nonzero"] for layer in layers),
        "cycles": cycles,
        "cycles_predicted": fused.cycles,
        "cycles_counted": whole.cycles if whole else None,
        "counters": whole.counters if whole else None,
        "dense_predicted": predicted,
        "dense_counted": dense_run.cycles if dense_run else None,
        "unfused_predicted": unfused.cycles,
        "speedup": dense_cycles / max(1, cycles) if dense_cycles else None,
        "ideal": sum(need.compute for need in needs.layers),
        "utilization": sum(need.compute for need in needs.layers) / max(1, cycles),
        "bound": bound.cycles,
        "bound_overlapped": bound.overlapped,
        "bound_unfused": network_bound(needs).cycles,
        "roofline": bound.cycles / max(1, cycles),
        "traffic": _traffic(fused),
        "traffic_unfused": _traffic(unfused),
        "bit_exact": bool(results) and all(result.bit_exact for result in results),
        "compared": {name: sum(1 for x in layers if x["exact"][name] is not None) for name in (ISS, RTL)},
        "cycles_per_second": simulated / seconds if seconds else None,
        "simulated_cycles": simulated,
    }


def _traffic(figures: ProgramFigures) -> int:
    return figures.whole.read + figures.whole.written


def _result(results: Sequence[UnitResult], unit: str) -> UnitResult | None:
    return next((r for r in results if r.platform == RTL and r.unit == unit and not r.error), None)

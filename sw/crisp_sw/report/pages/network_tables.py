"""Tables of a network's run: every layer, the causes of all cycles, and every run."""

from collections.abc import Mapping, Sequence
from html import escape

from crisp_golden.cycles.program_causes import CAUSES
from crisp_sw.report.charts.cause_chart import CAUSE_TEXTS
from crisp_sw.report.charts.cycle_chart import row_anchor
from crisp_sw.report.numbers import percent, size
from crisp_sw.report.tables import Cell, Column, Row, mark_cell, number_cell, ratio_cell, table, text_cell
from crisp_sw.results.network_run import LayerCosts, RunLayer, RunTotals, UnitResult
from crisp_sw.results.speedup import speedup, utilization

_LAYER_COLUMNS = (
    Column("layer", "name of the module; links to its cycles and traffic"),
    Column("group", "layers with the same number are fused"),
    Column("K", "output channels"),
    Column("R", "length of the reduction: taps times input channels"),
    Column("P", "output pixels"),
    Column("N:M", "of the layer's pattern; dense layers have none"),
    Column("N", "weight slots of a group in the array"),
    Column("windows", "kept windows over all row tiles, of all"),
    Column("non-zero", "share of the weights that is not zero"),
    Column("ISS", "golden's simulator gives the integer model's output bit for bit"),
    Column("RTL", "the RTL gives the integer model's output bit for bit"),
)
_COST_COLUMNS = (
    Column("cycles", "predicted, from the end of the layer before to the end of this one, over all bands"),
    Column(
        "bound",
        "roofline: the larger of the array's work and the beats of the layer's traffic in one direction",
    ),
    Column("by", "what the bound comes from: the array, or the bus in one direction"),
    Column("in use", "cycles in which the array must work at least, over those taken"),
    Column("read", "bytes from external memory, parameters included"),
    Column("written", "bytes to external memory"),
)
_LIMITS = {"compute": "array", "read": "read", "write": "write"}
_NOTHING, _EMPTY = number_cell(None), text_cell("")


def network_layer_table(layers: Sequence[RunLayer], totals: RunTotals) -> str:
    """HTML table of shapes and patterns with one row per layer, and whether its output is right."""
    exact = [[layer.exact.iss for layer in layers], [layer.exact.rtl for layer in layers]]
    nonzero = totals.nonzero / max(1, totals.weights)
    foot = [
        text_cell("total"),
        *[_EMPTY] * 7,
        number_cell(nonzero, percent(nonzero)),
        *(mark_cell(None if None in marks else all(marks)) for marks in exact),
    ]
    rows = [
        Row(
            cells=_layer_cells(index, layer),
            anchor=shape_anchor(index),
            wrong=False in layer.exact.everywhere(),
        )
        for index, layer in enumerate(layers)
    ]
    return table("Shapes and patterns", _LAYER_COLUMNS, rows, foot)


def network_cost_table(layers: Sequence[RunLayer]) -> str:
    """HTML table of cycles, bound and traffic with one row per layer, pruned and dense."""
    columns = (
        Column("layer", "name of the module; links to its shape and pattern"),
        *_COST_COLUMNS,
        *_COST_COLUMNS,
        Column("speedup", "dense cycles over those of the pruned layer"),
    )
    dense = [layer.dense for layer in layers]
    rows = [
        Row(
            cells=[
                _link(layer.name, shape_anchor(index)),
                *_cost_cells(layer),
                *_cost_cells(other),
                _speedup([layer], [other]),
            ],
            anchor=row_anchor(index),
        )
        for index, (layer, other) in enumerate(zip(layers, dense, strict=True))
    ]
    foot = [text_cell("total"), *_cost_sums(layers), *_cost_sums(dense), _speedup(layers, dense)]
    width = len(_COST_COLUMNS)
    spans = (("", 1), ("pruned", width), ("dense on the same hardware", width), ("", 1))
    return table("Cycles and traffic, pruned and dense", columns, rows, foot, spans=spans)


def shape_anchor(index: int) -> str:
    """Id of a layer's row in the table of shapes."""
    return f"shape-{index}"


def cause_table(predicted: Mapping[str, int], counters: Mapping[str, int] | None) -> str:
    """HTML table of the whole program's cycles by cause, predicted and counted."""
    columns = [Column("cause"), Column("meaning"), Column("predicted", "by the cycle model")]
    if counters:
        columns.append(Column("counted", "by the hardware in simulation"))
    rows = []
    for cause in CAUSES:
        cells = [text_cell(cause), text_cell(CAUSE_TEXTS[cause]), number_cell(predicted[cause])]
        rows.append(Row(cells=[*cells, number_cell(_counted(counters, cause))] if counters else cells))
    foot = [text_cell("total"), _EMPTY, number_cell(sum(predicted[cause] for cause in CAUSES))]
    if counters:
        foot.append(number_cell(counters["total"]))
    return table("Cycles of the whole program by cause", columns, rows, foot, left=2)


def run_table(runs: Sequence[UnitResult], parts: Sequence[Sequence[str]]) -> str:
    """HTML table of every program that ran."""
    columns = (
        Column("program", "part of the network, or all of it"),
        Column("on", "golden's simulator (ISS) or the RTL"),
        Column("tensors", "compared with the integer model"),
        Column("predicted", "cycles by the cycle model"),
        Column("counted", "cycles by the hardware"),
        Column("bit exact", "every value of every tensor"),
    )
    rows = [
        Row(
            cells=[
                text_cell(_unit_name(run.unit, parts)),
                text_cell(run.platform.upper()),
                number_cell(len(run.differing)),
                number_cell(run.predicted),
                number_cell(run.cycles or None),
                mark_cell(run.bit_exact),
            ],
            wrong=not (run.bit_exact and run.on_time),
        )
        for run in runs
    ]
    return table("Programs that ran", columns, rows)


def _link(name: str, anchor: str) -> Cell:
    return Cell(f'<a href="#{escape(anchor)}">{escape(name)}</a>', name)


def _layer_cells(index: int, layer: RunLayer) -> list[Cell]:
    pattern = layer.pattern
    share = layer.nonzero / layer.weights if layer.weights else None
    windows = f"{layer.kept_windows:,} / {layer.windows:,}"
    return [
        _link(layer.name, row_anchor(index)),
        number_cell(layer.group + 1),
        *(number_cell(getattr(layer, key)) for key in ("K", "R", "P")),
        text_cell(f"{pattern.n}:{pattern.m}") if pattern else _NOTHING,
        number_cell(layer.n),
        number_cell(layer.kept_windows / max(1, layer.windows), windows),
        number_cell(share, None if share is None else percent(share)),
        mark_cell(layer.exact.iss),
        mark_cell(layer.exact.rtl),
    ]


def _cost_cells(costs: LayerCosts | None) -> list[Cell]:
    if costs is None:
        return [_NOTHING] * len(_COST_COLUMNS)
    return [
        number_cell(costs.cycles),
        number_cell(costs.bound.cycles),
        text_cell(_LIMITS[costs.bound.limit]),
        number_cell(costs.utilization, percent(costs.utilization)),
        _bytes_cell(costs.read),
        _bytes_cell(costs.written),
    ]


def _bytes_cell(value: int) -> Cell:
    return number_cell(value, size(value)) if value else _NOTHING


def _cost_sums(costs: Sequence[LayerCosts | None]) -> list[Cell]:
    """Sums over all layers; bounds of layers that run at once do not add up to one."""
    known = [cost for cost in costs if cost is not None]
    if not known:
        return [_NOTHING] * len(_COST_COLUMNS)
    cycles = sum(cost.cycles for cost in known)
    use = utilization(sum(cost.ideal for cost in known), cycles)
    return [
        number_cell(cycles),
        _EMPTY,
        _EMPTY,
        number_cell(use, percent(use)),
        _bytes_cell(sum(cost.read for cost in known)),
        _bytes_cell(sum(cost.written for cost in known)),
    ]


def _speedup(pruned: Sequence[LayerCosts], dense: Sequence[LayerCosts | None]) -> Cell:
    known = [cost.cycles for cost in dense if cost is not None]
    return ratio_cell(speedup(sum(known) if known else None, sum(cost.cycles for cost in pruned)))


def _counted(counters: Mapping[str, int], cause: str) -> int:
    return counters["wait_load"] + counters["wait_store"] if cause == "wait" else counters[cause]


def _unit_name(unit: str, parts: Sequence[Sequence[str]]) -> str:
    kind, _, number = unit.partition(" ")
    if kind != "part":
        return unit
    names = parts[int(number)]
    return names[0] if len(names) == 1 else f"{names[0]} to {names[-1]}"

"""Tables of a network's run: every layer, the causes of all cycles, and every run."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from crisp_golden.program.cycle_causes import CAUSES
from crisp_sw.report.cause_chart import CAUSE_TEXTS
from crisp_sw.report.numbers import percent, ratio, size

DASH = "\u2013"

_LAYER_HEADINGS = (
    ("layer", "name of the module"),
    ("group", "layers with the same number are fused"),
    ("K", "output channels"),
    ("R", "length of the reduction: taps times input channels"),
    ("P", "output pixels"),
    ("N:M", "of the layer's pattern; dense layers have none"),
    ("N", "weight slots of a group in the array"),
    ("windows", "kept windows over all row tiles, of all"),
    ("non-zero", "share of the weights that is not zero"),
    ("ISS", "golden's simulator gives the integer model's output bit for bit"),
    ("RTL", "the RTL gives the integer model's output bit for bit"),
)
_COST_HEADINGS = (
    ("cycles", "predicted, from the end of the layer before to the end of this one, over all bands"),
    (
        "bound",
        "roofline: the larger of the array's work and the beats of the layer's traffic in one direction",
    ),
    ("by", "what the bound comes from: the array, or the bus in one direction"),
    ("in use", "cycles in which the array must work at least, over those taken"),
    ("read", "bytes from external memory, parameters included"),
    ("written", "bytes to external memory"),
)
_LIMITS = {"compute": "array", "read": "read", "write": "write"}


def network_layer_table(layers: Sequence[Mapping[str, Any]], totals: Mapping[str, Any]) -> str:
    """HTML table of shapes and patterns with one row per layer, and whether its output is right."""
    exact = [[layer["exact"][name] for layer in layers] for name in ("iss", "rtl")]
    foot = [
        "total",
        *[""] * 7,
        percent(totals["nonzero"] / max(1, totals["weights"])),
        *(mark(None if None in marks else all(marks)) for marks in exact),
    ]
    wrong = [False in layer["exact"].values() for layer in layers]
    return _table(_LAYER_HEADINGS, [_layer_cells(layer) for layer in layers], foot, wrong)


def network_cost_table(layers: Sequence[Mapping[str, Any]]) -> str:
    """HTML table of cycles, bound and traffic with one row per layer, pruned and dense."""
    headings = (
        ("layer", "name of the module"),
        *_COST_HEADINGS,
        *_COST_HEADINGS,
        ("speedup", "dense cycles over those of the pruned layer"),
    )
    dense = [layer["dense"] for layer in layers]
    rows = [
        [escape(layer["name"]), *_cost_cells(layer), *_cost_cells(other), _speedup([layer], [other])]
        for layer, other in zip(layers, dense, strict=True)
    ]
    foot = ["total", *_cost_sums(layers), *_cost_sums(dense), _speedup(layers, dense)]
    width = len(_COST_HEADINGS)
    spans = (("", 1), ("pruned", width), ("dense on the same hardware", width), ("", 1))
    return _table(headings, rows, foot, spans=spans)


def cause_table(predicted: Mapping[str, int], counters: Mapping[str, int] | None) -> str:
    """HTML table of the whole program's cycles by cause, predicted and counted."""
    headings = [("cause", ""), ("meaning", ""), ("predicted", "by the cycle model")]
    if counters:
        headings.append(("counted", "by the hardware in simulation"))
    rows = []
    for cause in CAUSES:
        row = [cause, escape(CAUSE_TEXTS[cause]), f"{predicted[cause]:,}"]
        rows.append([*row, f"{_counted(counters, cause):,}"] if counters else row)
    foot = ["total", "", f"{sum(predicted[cause] for cause in CAUSES):,}"]
    return _table(headings, rows, [*foot, f"{counters['total']:,}"] if counters else foot, left=2)


def run_table(runs: Sequence[Mapping[str, Any]], parts: Sequence[Sequence[str]]) -> str:
    """HTML table of every program that ran."""
    headings = (
        ("program", "part of the network, or all of it"),
        ("on", "golden's simulator (ISS) or the RTL"),
        ("tensors", "compared with the integer model"),
        ("predicted", "cycles by the cycle model"),
        ("counted", "cycles by the hardware"),
        ("bit exact", "every value of every tensor"),
    )
    rows = [
        [
            escape(_unit_name(run["unit"], parts)),
            run["platform"].upper(),
            str(len(run["differing"])),
            f"{run['predicted']:,}",
            or_dash(run["cycles"]),
            mark(run["bit_exact"]),
        ]
        for run in runs
    ]
    return _table(headings, rows, None, [not (run["bit_exact"] and run["on_time"]) for run in runs])


def mark(good: bool | None) -> str:
    """A tick, a cross, or a dash for what is not known."""
    if good is None:
        return DASH
    return '<span class="good">\u2713</span>' if good else '<span class="bad">\u2717</span>'


def or_dash(value: int | None) -> str:
    """A number with all digits, or a dash where there is none."""
    return f"{value:,}" if value else DASH


def _layer_cells(layer: Mapping[str, Any]) -> list[str]:
    pattern = layer["pattern"]
    return [
        escape(layer["name"]),
        str(layer["group"] + 1),
        *(f"{layer[key]:,}" for key in ("K", "R", "P")),
        f"{pattern['n']}:{pattern['m']}" if pattern else DASH,
        str(layer["n"]),
        f"{layer['kept_windows']:,} / {layer['windows']:,}",
        percent(layer["nonzero"] / layer["weights"]) if layer["weights"] else DASH,
        mark(layer["exact"]["iss"]),
        mark(layer["exact"]["rtl"]),
    ]


def _cost_cells(costs: Mapping[str, Any] | None) -> list[str]:
    if costs is None:
        return [DASH] * len(_COST_HEADINGS)
    return [
        f"{costs['cycles']:,}",
        f"{costs['bound']['cycles']:,}",
        _LIMITS[costs["bound"]["limit"]],
        percent(costs["utilization"]),
        size(costs["read"]) if costs["read"] else DASH,
        size(costs["written"]) if costs["written"] else DASH,
    ]


def _cost_sums(costs: Sequence[Mapping[str, Any] | None]) -> list[str]:
    """Sums over all layers; bounds of layers that run at once do not add up to one."""
    known = [cost for cost in costs if cost is not None]
    if not known:
        return [DASH] * len(_COST_HEADINGS)
    sums = {key: sum(cost[key] for cost in known) for key in ("cycles", "ideal", "read", "written")}
    use = percent(sums["ideal"] / max(1, sums["cycles"]))
    return [f"{sums['cycles']:,}", "", "", use, size(sums["read"]), size(sums["written"])]


def _speedup(pruned: Sequence[Mapping[str, Any]], dense: Sequence[Mapping[str, Any] | None]) -> str:
    cycles = sum(cost["cycles"] for cost in dense if cost is not None)
    return ratio(cycles / max(1, sum(cost["cycles"] for cost in pruned))) if cycles else DASH


def _counted(counters: Mapping[str, int], cause: str) -> int:
    return counters["wait_load"] + counters["wait_store"] if cause == "wait" else counters[cause]


def _unit_name(unit: str, parts: Sequence[Sequence[str]]) -> str:
    kind, _, number = unit.partition(" ")
    if kind != "part":
        return unit
    names = parts[int(number)]
    return names[0] if len(names) == 1 else f"{names[0]} to {names[-1]}"


def _table(
    headings: Sequence[tuple[str, str]],
    rows: Sequence[Sequence[str]],
    foot: Sequence[str] | None,
    wrong: Sequence[bool] = (),
    *,
    left: int = 1,
    spans: Sequence[tuple[str, int]] = (),
) -> str:
    """HTML table; ``spans`` are titles above so many columns each."""
    titles = "".join(f'<th class="span" colspan="{width}">{escape(title)}</th>' for title, width in spans)
    above = f"<tr>{titles}</tr>" if spans else ""
    head = "".join(
        f'<th{_side(i, left)} title="{escape(title)}">{escape(name)}</th>'
        for i, (name, title) in enumerate(headings)
    )
    bad = [*wrong, *[False] * (len(rows) - len(wrong))]
    body = "".join(
        ('<tr class="wrong">' if is_bad else "<tr>") + f"{_cells(row, left)}</tr>"
        for row, is_bad in zip(rows, bad, strict=True)
    )
    last = f"<tfoot><tr>{_cells(foot, left)}</tr></tfoot>" if foot else ""
    return (
        f'<div class="scroll"><table><thead>{above}<tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody>{last}</table></div>"
    )


def _cells(row: Sequence[str], left: int) -> str:
    return "".join(f"<td{_side(i, left)}>{cell}</td>" for i, cell in enumerate(row))


def _side(column: int, left: int) -> str:
    return ' class="left"' if column < left else ""

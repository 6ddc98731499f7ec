"""The report of a network's run as one HTML file: style, charts and tables are inline."""

from collections.abc import Mapping
from html import escape
from importlib import resources
from typing import Any

from crisp_sw.report.cause_chart import cause_chart, cause_legend
from crisp_sw.report.network_tables import cause_table, network_cost_table, network_layer_table, run_table
from crisp_sw.report.numbers import count, percent, ratio, size
from crisp_sw.report.roofline_picture import roofline_legend, roofline_picture

_CAUSES_NOTE = (
    "Every group of fused layers, and what the core does in its cycles. Predicted by the cycle model; a mark "
    "shows the bound: the larger of the array's work and the beats that must cross the bus in one direction. "
    "The percentage says how near to it the group comes."
)
_ROOFLINE_NOTE = (
    "What limits each group. Left of 1 there is less work than traffic, so the bus is the limit; right of "
    "it, the array. The distance to the line is what scheduling loses."
)
_COSTS_NOTE = (
    "In the fused program. Layers of one group advance together in bands of rows; what one makes for the "
    "next crosses no bus, so many layers read nothing but parameters. A layer's bound counts its own work "
    "and its own traffic; it can take less where its transfers hide behind other layers of its group."
)
_RUNS_NOTE = (
    "The network is cut wherever a single tensor passes from layer to layer. Each part runs alone with the "
    "outputs of all its layers stored and compared; the whole network runs as the one program that a user "
    "would run."
)


def render_network_page(report: Mapping[str, Any]) -> str:
    """Render the page.

    Parameters
    ----------
    report : as in ``report.json`` of ``crisp network``.

    Returns
    -------
    HTML with no reference to anything outside it.
    """
    folder = resources.files("crisp_sw.report")
    style = "".join((folder / name).read_text() for name in ("style.css", "network.css"))
    groups, totals = report["groups"], report["totals"]
    causes = report["programs"]["fused"]["causes"]
    sections = (
        _verdict(report),
        _tiles(totals),
        _section("Where the cycles go", _CAUSES_NOTE, cause_legend() + _card(cause_chart(groups))),
        _section("Roofline", _ROOFLINE_NOTE, roofline_legend() + _card(roofline_picture(groups))),
        _section("The whole program, cycle by cause", "", cause_table(causes, totals["counters"])),
        _section("Layers", "", network_layer_table(report["layers"], totals)),
        _section("Cycles and traffic of every layer", _COSTS_NOTE, network_cost_table(report["layers"])),
        _section("Runs", _RUNS_NOTE, run_table(report["runs"], report["parts"])),
        _section("How this was made", "", _card(_settings(report))),
    )
    title = f"{report['network']} on {report['preset']}"
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>CRISP: {escape(title)}</title><style>{style}</style></head>"
        f"<body><main><h1>{escape(title)}</h1>"
        f'<p class="lead">{escape(_lead(report))}</p>{"".join(sections)}</main></body></html>\n'
    )


def _lead(report: Mapping[str, Any]) -> str:
    totals, config = report["totals"], report["config"]
    multipliers = config["rows"] * config["cols"] * config["lanes"]
    image = " x ".join(map(str, report["input_shape"]))
    return (
        f"{totals['layers']} layers, {count(totals['nonzero'])} of {count(totals['weights'])} weights not "
        f"zero, an image of {image}; one program on an accelerator with {multipliers} multipliers and a bus "
        f"of {config['bus_bits']} bits."
    )


def _verdict(report: Mapping[str, Any]) -> str:
    totals = report["totals"]
    wrong = [_problem(run) for run in report["runs"] if not (run["bit_exact"] and run["on_time"])]
    if wrong:
        exact = all(run["bit_exact"] for run in report["runs"])
        title = "Bit-exact, but not in the predicted time." if exact else "Not bit-exact."
        items = "".join(f"<li>{escape(problem)}</li>" for problem in wrong)
        return f'<div class="verdict fail">\u2717 {title}<ul>{items}</ul></div>'
    compared = totals["compared"]
    where = "on the RTL and on golden's simulator" if compared["rtl"] else "on golden's simulator"
    text = f"\u2713 All {compared['rtl'] or compared['iss']} layers are bit-exact {where}"
    if totals["cycles_counted"]:
        off = abs(totals["cycles_counted"] / totals["cycles_predicted"] - 1)
        exactly = "takes exactly" if off == 0 else f"is within {percent(off, 2)} of"
        text += f"; the whole program {exactly} the predicted cycles"
    return f'<div class="verdict pass">{text}.</div>'


def _problem(run: Mapping[str, Any]) -> str:
    place = f"{run['platform']}, {run['unit']}"
    if not run["bit_exact"]:
        differing = ", ".join(name for name, values in run["differing"].items() if values)
        return f"{place}: {run['error'] or f'{differing} differ'}"
    return f"{place}: {run['cycles']:,} cycles, predicted {run['predicted']:,}"


def _tiles(totals: Mapping[str, Any]) -> str:
    how = "counted on the RTL" if totals["cycles_counted"] else "predicted"
    dense = totals["dense_counted"] or totals["dense_predicted"]
    dense_how = "counted" if totals["dense_counted"] else "predicted"
    dense_text = (
        f"dense takes {count(dense)} cycles, {dense_how}" if dense else "the dense network does not fit"
    )
    tiles = [
        ("Cycles per image", count(totals["cycles"]), f"{totals['cycles']:,} {how}"),
        (
            "Speedup over dense on the same hardware",
            ratio(totals["speedup"]) if dense else "\u2013",
            dense_text,
        ),
        (
            "Of the roofline reached",
            percent(totals["roofline"]),
            f"at least {count(totals['bound'])} cycles; the array works in {percent(totals['utilization'])}",
        ),
        (
            "External traffic",
            size(totals["traffic"]),
            f"layer by layer {size(totals['traffic_unfused'])}, {count(totals['unfused_predicted'])} cycles",
        ),
    ]
    if totals["cycles_per_second"]:
        detail = f"cycles per second; {count(totals['simulated_cycles'])} in all"
        tiles.append(("Simulation", count(totals["cycles_per_second"]), detail))
    return f'<div class="tiles">{"".join(_tile(*tile) for tile in tiles)}</div>'


def _tile(title: str, figure: str, detail: str) -> str:
    return (
        f'<div class="card tile"><h3>{escape(title)}</h3><div class="big">{escape(figure)}</div>'
        f'<div class="detail">{escape(detail)}</div></div>'
    )


def _settings(report: Mapping[str, Any]) -> str:
    facts = {
        "command": report["command"],
        "network": f"{report['network']}: {report['source']}",
        "preset": report["preset"],
        "accelerator": ", ".join(f"{name} {value}" for name, value in report["config"].items()),
        "external memory": ", ".join(f"{name} {value}" for name, value in report["memory"].items()),
        "network settings": report["settings"] or "its own",
        "program": f"{report['programs']['fused']['commands']:,} commands, "
        f"{size(report['programs']['fused']['image_bytes'])} with all parameters",
    }
    rows = "".join(
        f"<dt>{escape(name)}</dt><dd>{escape(_plain(value))}</dd>" for name, value in facts.items()
    )
    return f"<dl>{rows}</dl>"


def _plain(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_plain(item)}" for key, item in value.items() if item not in (None, [], ()))
    return str(value)


def _section(title: str, note: str, body: str) -> str:
    paragraph = f'<p class="note">{escape(note)}</p>' if note else ""
    return f"<section><h2>{escape(title)}</h2>{paragraph}{body}</section>"


def _card(body: str) -> str:
    return f'<div class="card">{body}</div>'

"""The report of a network's run as one HTML file: style, charts and tables are inline."""

from typing import Any

from crisp_files.json_values import to_json
from crisp_sw.report.charts.cause_chart import cause_chart, cause_legend
from crisp_sw.report.charts.cycle_chart import row_anchor
from crisp_sw.report.charts.memory_chart import memory_chart
from crisp_sw.report.charts.roofline_picture import roofline_legend, roofline_picture
from crisp_sw.report.document import Download, Section, Tile, card, facts, page, tiles, verdict
from crisp_sw.report.numbers import count, percent, ratio, size
from crisp_sw.report.pages.network_tables import (
    cause_table,
    network_cost_table,
    network_layer_table,
    run_table,
)
from crisp_sw.report.times import time_tile
from crisp_sw.results.network_run import NetworkReport, RunTotals, UnitResult

_CAUSES_NOTE = (
    "Every group of fused layers, and what the core does in its cycles. Predicted by the cycle model; a mark "
    "shows the bound: the larger of the array's work and the beats that must cross the bus in one direction. "
    "The percentage says how near to it the group comes."
)
_ROOFLINE_NOTE = (
    "What limits each group. Left of 1 there is less work than traffic, so the bus is the limit; right of "
    "it, the array. The distance to the line is what scheduling loses."
)
_MEMORY_NOTE = (
    "While the whole program runs: buffers of the activation memory from their first to their last use, and "
    "weights from their load to the last job that multiplies with them. Predicted by the cycle model."
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


def render_network_page(report: NetworkReport) -> str:
    """Render the page.

    Parameters
    ----------

    Returns
    -------
    HTML with no reference to anything outside it.
    """
    groups, totals, layers = report.groups, report.totals, report.layers
    causes = report.programs["fused"].causes
    anchors = {layer.name: row_anchor(index) for index, layer in enumerate(layers)}
    sections = (
        Section(
            title="Where the cycles go",
            note=_CAUSES_NOTE,
            body=cause_legend() + card(cause_chart(groups, anchors)),
        ),
        Section(
            title="Roofline",
            note=_ROOFLINE_NOTE,
            body=roofline_legend() + card(roofline_picture(groups, anchors)),
        ),
        Section(
            title="Memories on the chip",
            note=_MEMORY_NOTE,
            body=card(memory_chart(report.memory_use, totals.cycles_predicted)),
        ),
        Section(title="The whole program, cycle by cause", body=cause_table(causes, totals.counters)),
        Section(title="Layers", body=network_layer_table(layers, totals)),
        Section(title="Cycles and traffic of every layer", note=_COSTS_NOTE, body=network_cost_table(layers)),
        Section(title="Runs", note=_RUNS_NOTE, body=run_table(report.runs, report.parts)),
        Section(title="How this was made", body=card(facts(_settings(report)))),
    )
    return page(
        title=f"{report.network} on {report.preset}",
        lead=_lead(report),
        head=_verdict(report) + _tiles(report),
        sections=sections,
        download=Download(name="report.json", document=report),
    )


def _lead(report: NetworkReport) -> str:
    totals, config = report.totals, report.config
    multipliers = config.rows * config.cols * config.lanes
    image = " x ".join(map(str, report.input_shape))
    return (
        f"{totals.layers} layers, {count(totals.nonzero)} of {count(totals.weights)} weights not "
        f"zero, an image of {image}; one program on an accelerator with {multipliers} multipliers and a bus "
        f"of {config.bus_bits} bits."
    )


def _verdict(report: NetworkReport) -> str:
    totals = report.totals
    wrong = [_problem(run) for run in report.runs if not (run.bit_exact and run.on_time)]
    if wrong:
        exact = all(run.bit_exact for run in report.runs)
        return verdict("Bit-exact, but not in the predicted time." if exact else "Not bit-exact.", wrong)
    compared = totals.compared
    where = "on the RTL and on golden's simulator" if compared.rtl else "on golden's simulator"
    text = f"All {compared.rtl or compared.iss} layers are bit-exact {where}"
    if totals.cycles_counted:
        off = abs(totals.cycles_counted / totals.cycles_predicted - 1)
        exactly = "takes exactly" if off == 0 else f"is within {percent(off, 2)} of"
        text += f"; the whole program {exactly} the predicted cycles"
    return verdict(f"{text}.")


def _problem(run: UnitResult) -> str:
    place = f"{run.platform}, {run.unit}"
    if not run.bit_exact:
        differing = ", ".join(name for name, values in run.differing.items() if values)
        return f"{place}: {run.error or f'{differing} differ'}"
    return f"{place}: {run.cycles:,} cycles, predicted {run.predicted:,}"


def _tiles(report: NetworkReport) -> str:
    totals = report.totals
    how = "counted on the RTL" if totals.cycles_counted else "predicted"
    items = [
        Tile(
            title="Cycles per image",
            figure=count(totals.cycles),
            detail=f"{totals.cycles:,} {how}",
        ),
        time_tile(totals.cycles, report.clock_mhz),
        _speedup_tile(totals),
        Tile(
            title="Of the roofline reached",
            figure=percent(totals.roofline),
            detail=f"at least {count(totals.bound)} cycles; the array works in {percent(totals.utilization)}",
        ),
        Tile(
            title="External traffic",
            figure=size(totals.traffic),
            detail=f"layer by layer {size(totals.traffic_unfused)}, {count(totals.unfused_predicted)} cycles",
        ),
    ]
    if totals.cycles_per_second:
        items.append(
            Tile(
                title="Simulation",
                figure=count(totals.cycles_per_second),
                detail=f"cycles per second; {count(totals.simulated_cycles)} in all",
            )
        )
    return tiles(items)


def _speedup_tile(totals: RunTotals) -> Tile:
    title = "Speedup over dense on the same hardware"
    dense = totals.cycles_dense
    if dense is None or totals.speedup is None:
        return Tile(title=title, figure="\u2013", detail="the dense network does not fit")
    how = "counted" if totals.dense_counted else "predicted"
    return Tile(title=title, figure=ratio(totals.speedup), detail=f"dense takes {count(dense)} cycles, {how}")


def _settings(report: NetworkReport) -> dict[str, Any]:
    fused = report.programs["fused"]
    return {
        "command": report.command,
        "network": f"{report.network}: {report.source}",
        "preset": report.preset,
        "accelerator": to_json(report.config),
        "external memory": to_json(report.memory),
        "network settings": report.settings or "its own",
        "program": f"{fused.commands:,} commands, {size(fused.image_bytes)} with all parameters",
    }

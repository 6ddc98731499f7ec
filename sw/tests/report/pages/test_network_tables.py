"""Tables of a network's run."""

import re
from dataclasses import replace

from crisp_sw.report.pages.network_tables import (
    cause_table,
    network_cost_table,
    network_layer_table,
    run_table,
)
from sw.tests.report.network_reports import made_up_report


def columns(table: str) -> set[int]:
    """Cells per row."""
    return {row.count("</td>") + row.count("</th>") for row in re.findall(r"<tr.*?</tr>", table)}


def test_every_layer_has_a_row_and_all_rows_are_equally_long():
    report = made_up_report()
    table = network_layer_table(report.layers, report.totals)
    assert table.count("<tr") == 2 + 3
    assert len(columns(table)) == 1
    assert "fc&lt;&amp;&gt;" in table
    assert 'class="wrong"' not in table


def test_costs_of_every_layer_pruned_and_dense():
    report = made_up_report()
    *others, last = report.layers
    bound = replace(last.bound, read=2050)
    table = network_cost_table([*others, replace(last, bound=bound)])
    titles, *rows = re.findall(r"<tr.*?</tr>", table)
    assert sum(map(int, re.findall(r'colspan="(\d+)"', titles))) == 14
    assert columns("".join(rows)) == {14}
    cells = [
        [re.sub("<.*?>", "", cell) for _, cell in re.findall(r"<(t[dh])[^>]*>(.*?)</\1>", row)]
        for row in rows
    ]
    assert cells[1][:5] == ["conv1", "3,000", "2,900", "array", "96.7 %"]
    assert cells[1][7:10] == ["27,000", "26,900", "array"]
    assert cells[3][1:4] == ["2,100", "2,050", "read"]
    assert cells[4][0:2] == ["total", "7,200"]
    assert [row[-1] for row in cells[1:]] == ["9\u00d7"] * 4


def test_costs_without_a_dense_network():
    layers = [replace(layer, dense=None) for layer in made_up_report().layers]
    rows = re.findall(r"<tr.*?</tr>", network_cost_table(layers))[1:]
    assert columns("".join(rows)) == {14}
    assert all(row.count("\u2013") >= 7 for row in rows[1:])


def test_layers_that_differ_stand_out():
    report = made_up_report(differing=5)
    assert network_layer_table(report.layers, report.totals).count('class="wrong"') == 1


def test_causes_with_and_without_hardware():
    report = made_up_report()
    causes, counters = report.programs["fused"].causes, report.totals.counters
    assert counters is not None
    with_rtl, without = cause_table(causes, counters), cause_table(causes, None)
    assert columns(with_rtl) == {4}
    assert columns(without) == {3}
    assert f"{counters['total']:,}" in with_rtl
    assert "counted" not in without


def test_runs_are_named_by_their_layers():
    report = made_up_report(differing=5)
    table = run_table(report.runs, report.parts)
    assert "conv1 to conv2" in table
    assert "the whole network" in table
    assert table.count('class="wrong"') == 1
    late = replace(report.runs[0], counters={"total": 9}, predicted=7)
    assert run_table([late, report.runs[1]], report.parts).count('class="wrong"') == 2

"""Tables of a network's run."""

import re

from crisp_sw.report.network_tables import cause_table, mark, network_layer_table, run_table
from sw.tests.report.network_reports import made_up_report


def columns(table: str) -> set[int]:
    """Cells per row."""
    return {row.count("</td>") + row.count("</th>") for row in re.findall(r"<tr.*?</tr>", table)}


def test_every_layer_has_a_row_and_all_rows_are_equally_long():
    report = made_up_report()
    table = network_layer_table(report["layers"], report["totals"])
    assert table.count("<tr") == 2 + 3
    assert len(columns(table)) == 1
    assert "fc&lt;&amp;&gt;" in table
    assert "7,200" in table
    assert 'class="wrong"' not in table


def test_layers_that_differ_stand_out():
    report = made_up_report(differing=5)
    assert network_layer_table(report["layers"], report["totals"]).count('class="wrong"') == 1


def test_causes_with_and_without_hardware():
    report = made_up_report()
    causes, counters = report["programs"]["fused"]["causes"], report["totals"]["counters"]
    with_rtl, without = cause_table(causes, counters), cause_table(causes, None)
    assert columns(with_rtl) == {4}
    assert columns(without) == {3}
    assert f"{counters['total']:,}" in with_rtl
    assert "counted" not in without


def test_runs_are_named_by_their_layers():
    report = made_up_report(differing=5)
    table = run_table(report["runs"], report["parts"])
    assert "conv1 to conv2" in table
    assert "the whole network" in table
    assert table.count('class="wrong"') == 1


def test_marks():
    assert "good" in mark(True)
    assert "bad" in mark(False)
    assert mark(None) == "\u2013"

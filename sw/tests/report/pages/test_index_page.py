"""The page of all runs."""

import os
import re
from dataclasses import replace
from pathlib import Path

from crisp_sw.report.found_runs import FoundRun, UserFigures
from crisp_sw.report.pages.index_page import render_index
from crisp_sw.results.accuracies import Accuracies
from sw.tests.report.html_pages import Page

USER = UserFigures(
    classes=("<bag>", "coat"),
    dataset="fashion-mnist",
    accuracy=Accuracies(dense_fine_tuned=0.99, pruned=0.985, int8=0.98),
    images=2000,
    sparsity=0.92,
    bytes_packed=4096,
    cycles=100_000,
    speedup=5.0,
    preset="edge",
)
RUN = FoundRun(
    directory=Path("a b/ä"),
    step="demo",
    what="fashion-mnist: <bag>, coat",
    command="crisp demo --classes '<bag>,coat'",
    page="report.html",
    figures={"cycles": 100_000, "speedup": 5, "accuracy": 0.98},
    user=USER,
)


def test_runs_are_linked_by_their_paths():
    text = render_index("build", [RUN, replace(RUN, page="", user=None)], 100)
    page = Page(text)
    assert [link for link in page.links if not link.startswith("data:")] == ["./a%20b/%C3%A4/report.html"] * 2
    assert "<bag>" not in text
    assert "a b/ä</th>" in text


def test_users_stand_side_by_side_on_one_axis_at_a_stated_clock():
    other = replace(USER, accuracy=Accuracies(dense=0.9, pruned=0.8), images=None, cycles=None, preset=None)
    text = render_index("build", [RUN, replace(RUN, user=other, step="prune")], 50)
    assert "Times are at 50 MHz" in text
    assert "2 ms" in text
    assert "\u22121.00 points" in text
    places = [float(share) for share in re.findall(r'<u style="--share:([\d.]+)"', text)]
    assert places[0] > places[1]
    assert text.count('class="before"') == 2


def test_users_of_many_classes_are_called_by_the_first():
    text = render_index("b", [replace(RUN, user=replace(USER, classes=tuple(map(str, range(1000)))))], 100)
    assert text.count("9, 10, 11 and 988 more") == 3  # in the chart and its title, and in the table
    assert "12, 13" not in text


def test_a_name_cannot_become_another_kind_of_link():
    text = render_index("b", [replace(RUN, directory=Path("javascript:alert(1)"))], 100)
    assert 'href="./javascript%3Aalert%281%29/report.html"' in text


def test_a_name_that_is_no_unicode_is_linked_by_its_bytes():
    text = render_index("b", [replace(RUN, directory=Path(os.fsdecode(b"lat\xfcin")))], 100)
    assert 'href="./lat%FCin/report.html"' in text
    assert r"lat\udcfcin</a>" in text


def test_runs_that_cannot_be_read_stand_out():
    bad = FoundRun(directory=Path("x"), step="prune", problem="prune.json: not valid JSON (<here>)")
    text = render_index("b", [bad], 100)
    assert text.count('class="wrong"') == 1
    assert "not valid JSON (&lt;here&gt;)" in text


def test_text_that_would_change_the_order_of_reading_is_spelled_out():
    text = render_index("b", [replace(RUN, what="a\u202eb\x1b[2J")], 100)
    assert "\u202e" not in text
    assert "a\\u202eb\\x1b[2J" in text


def test_no_runs():
    assert "There are none yet" in render_index("b", [], 100)

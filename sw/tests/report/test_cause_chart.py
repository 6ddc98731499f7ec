"""The chart of cycles by cause."""

import re
from xml.etree import ElementTree

import pytest

from crisp_golden.program.cycle_causes import CAUSES
from crisp_sw.report.cause_chart import (
    CAUSE_TEXTS,
    NAME_WIDTH,
    ORDER,
    VALUE_WIDTH,
    WIDTH,
    cause_chart,
    cause_legend,
    group_title,
    round_step,
)
from sw.tests.report.network_reports import group

GROUPS = [
    group(["a", "b"], compute=5000, read=10),
    group(["c"], compute=10, read=2000),
    group(["d"], compute=0, read=0, write=0, lost=0),
]


def bars(group_element: ElementTree.Element) -> dict[str, float]:
    return {rect.attrib["class"]: float(rect.attrib["width"]) for rect in group_element.iter("rect")}


def test_widths_are_in_proportion_to_cycles():
    svg = ElementTree.fromstring(cause_chart(GROUPS))
    rows = [bars(element) for element in svg.iter("g")]
    scale = (WIDTH - NAME_WIDTH - VALUE_WIDTH) / 5100
    for row, entry in zip(rows, GROUPS, strict=True):
        assert row == {
            cause: pytest.approx(cycles * scale, abs=0.01)
            for cause, cycles in entry["causes"].items()
            if cycles
        }


def test_the_mark_is_at_the_bound():
    svg = ElementTree.fromstring(cause_chart(GROUPS))
    marks = [path for path in svg.iter("path") if path.attrib["class"] == "bound"]
    places = [float(re.match(r"M([\d.]+) ", path.attrib["d"])[1]) for path in marks]  # pyright: ignore
    scale = (WIDTH - NAME_WIDTH - VALUE_WIDTH) / 5100
    assert places == [pytest.approx(NAME_WIDTH + b * scale, abs=0.01) for b in (5000, 2000, 0)]


def test_names_are_escaped_and_explained():
    svg = cause_chart([group(["<first>", "second"], compute=10, read=1)])
    assert "&lt;first&gt;" in svg
    assert "&lt;first&gt;, second in 4 bands: 110 cycles (compute 10, wait 100); at least 10" in svg


def test_every_cause_has_a_colour_and_a_meaning():
    assert set(ORDER) == set(CAUSES) == set(CAUSE_TEXTS)
    assert all(f'class="{cause}"' in cause_legend() for cause in CAUSES)


def test_group_title():
    assert group_title(["a"]) == ("a", "")
    assert group_title(["a", "b", "c"]) == ("a", "+2")


@pytest.mark.parametrize(
    ("step", "rounded"), [(0.3, 1), (1, 1), (4.9, 2), (70, 50), (199, 100), (2000, 2000)]
)
def test_round_step(step: float, rounded: int):
    assert round_step(step) == rounded

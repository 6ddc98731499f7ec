"""The roofline: discs where work per beat and use of the array put them, each with an explained number."""

import re
from xml.etree import ElementTree

import pytest

from crisp_sw.report.charts.roofline_picture import HEIGHT, roofline_legend, roofline_picture
from crisp_sw.results.network_run import BoundedGroup
from sw.tests.report.network_reports import group


def picture(groups: list[BoundedGroup]) -> tuple[ElementTree.Element, str]:
    """The drawing, and the list below it."""
    html = roofline_picture(groups, {entry.stages[0]: f"at-{entry.stages[0]}" for entry in groups})
    drawing, _, names = html.partition("</div>")
    return ElementTree.fromstring(drawing + "</div>"), names


def discs(groups: list[BoundedGroup]) -> list[dict[str, float | str]]:
    found = [circle.attrib for circle in picture(groups)[0].iter("circle")]
    return [{**disc, "cx": float(disc["cx"].rstrip("%")), "cy": float(disc["cy"])} for disc in found]


def test_more_work_per_beat_is_to_the_right_and_more_use_is_higher():
    left, right = discs(
        [group(["a"], compute=2000, read=1900), group(["b"], compute=1000, read=10, lost=900)]
    )
    assert left["cx"] < right["cx"]  # pyright: ignore[reportOperatorIssue]
    assert left["cy"] < right["cy"]  # pyright: ignore[reportOperatorIssue]


def test_area_is_in_proportion_to_cycles_and_colour_says_the_limit():
    big, small = discs([group(["a"], compute=90000, read=900), group(["b"], compute=10, read=900)])
    assert float(big["r"]) > float(small["r"])
    assert (big["class"], small["class"]) == ("point", "point memory")


@pytest.mark.parametrize("compute", [0, 1, 10**9])
@pytest.mark.parametrize("read", [0, 1, 10**9])
def test_everything_is_inside(compute: int, read: int):
    for disc in discs([group(["a"], compute=compute, read=read), group(["b"], compute=7, read=7)]):
        assert 0 <= float(disc["cx"]) <= 100
        assert 0 <= float(disc["cy"]) <= HEIGHT


def test_every_disc_is_numbered_and_named_the_largest_first():
    groups = [group([f"layer{i}"], compute=100 * i, read=5) for i in range(1, 14)]
    drawing, names = picture(groups)
    numbers = [text.text for text in drawing.iter("text") if "tag" in text.attrib["class"]]
    assert numbers == [str(number) for number in range(1, 14)]
    assert re.findall(r"#at-layer(\d+)", names) == [str(i) for i in range(13, 0, -1)]


def test_names_are_escaped():
    assert "&lt;a&gt;" in picture([group(["<a>"], compute=5, read=5)])[1]


def test_legend():
    assert "bound by the bus" in roofline_legend()

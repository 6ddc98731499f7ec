"""The roofline: discs where work per beat and use of the array put them, none above the roof."""

from xml.etree import ElementTree

import pytest

from crisp_sw.report.roofline_picture import HEIGHT, WIDTH, roofline_legend, roofline_picture
from sw.tests.report.network_reports import group


def discs(groups: list[dict]) -> list[dict[str, str]]:
    return [circle.attrib for circle in ElementTree.fromstring(roofline_picture(groups)).iter("circle")]


def test_more_work_per_beat_is_to_the_right_and_more_use_is_higher():
    left, right = discs([group(["a"], compute=1000, read=900), group(["b"], compute=1000, read=10, lost=900)])
    assert float(left["cx"]) < float(right["cx"])
    assert float(left["cy"]) < float(right["cy"])  # SVG counts from the top


def test_area_is_in_proportion_to_cycles_and_colour_says_the_limit():
    big, small = discs([group(["a"], compute=90000, read=900), group(["b"], compute=10, read=900)])
    assert float(big["r"]) > float(small["r"])
    assert (big["class"], small["class"]) == ("point", "point memory")


@pytest.mark.parametrize("compute", [0, 1, 10**9])
@pytest.mark.parametrize("read", [0, 1, 10**9])
def test_everything_is_inside(compute: int, read: int):
    for disc in discs([group(["a"], compute=compute, read=read), group(["b"], compute=7, read=7)]):
        assert 0 <= float(disc["cx"]) <= WIDTH
        assert 0 <= float(disc["cy"]) <= HEIGHT


def test_names_are_escaped():
    assert "&lt;a&gt;" in roofline_picture([group(["<a>"], compute=5, read=5)])


def test_names_do_not_cover_each_other():
    same = [group([name], compute=1000, read=500) for name in "abc"]
    apart = [group(["d"], compute=1000, read=5, lost=5000)]
    names = [text for text in ElementTree.fromstring(roofline_picture(same + apart)).iter("text")]
    tags = [text.text for text in names if "tag" in text.attrib["class"]]
    assert sorted((tag or "").strip() for tag in tags) in (["a", "d"], ["b", "d"], ["c", "d"])


def test_legend():
    assert "bound by the bus" in roofline_legend()

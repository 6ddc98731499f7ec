"""The chart of cycles by cause."""

import re
from importlib import resources

import pytest

from crisp_golden.cycles.program_causes import CAUSES
from crisp_sw.report.charts.cause_chart import CAUSE_TEXTS, ORDER, cause_chart, cause_legend, group_title
from sw.tests.report.network_reports import group

GROUPS = [
    group(["a", "b"], compute=5000, read=10),
    group(["c"], compute=10, read=2000),
    group(["d"], compute=0, read=0, write=0, lost=0),
]
ANCHORS = {"a": "layer-0", "c": "layer-2", "d": "layer-3"}


def rows(html: str) -> list[dict[str, float]]:
    """Share of the chart's width by cause, and of the bound."""
    found = re.findall(r'class="(\w+)" style="--share:([\d.]+)"|(</li>)', html)
    result: list[dict[str, float]] = [{}]
    for kind, share, end in found:
        if end:
            result.append({})
        else:
            result[-1][kind] = float(share)
    return result[:-1]


def test_widths_are_in_proportion_to_cycles_and_the_mark_is_at_the_bound():
    for row, entry in zip(rows(cause_chart(GROUPS, ANCHORS)), GROUPS, strict=True):
        cycles = {cause: count for cause, count in entry.causes.items() if count}
        expected = cycles | {"bound": entry.bound.cycles}
        assert row == {kind: pytest.approx(count / 5100, abs=1e-4) for kind, count in expected.items()}


def test_names_are_escaped_explained_and_linked():
    html = cause_chart([group(["<first>", "second"], compute=10, read=1)], {"<first>": "layer-7"})
    assert '<a class="name" href="#layer-7">&lt;first&gt;' in html
    assert "&lt;first&gt;, second in 4 bands: 110 cycles (compute 10, wait 100); at least 10" in html


def test_every_cause_has_a_colour_and_a_meaning():
    assert set(ORDER) == set(CAUSES) == set(CAUSE_TEXTS)
    assert all(f'class="{cause}"' in cause_legend() for cause in CAUSES)


def test_causes_differ_in_texture_as_well_as_in_colour():
    style = (resources.files("crisp_sw.report") / "style.css").read_text()
    textures = {}
    for cause in CAUSES:
        rule = re.search(rf"^\.{cause} {{ background: (.*?);? }}$", style, re.M)
        assert rule, cause
        textures[cause] = re.sub(rf"var\(--{cause}\)", "COLOUR", rule[1])
    plain = [cause for cause, texture in textures.items() if texture == "COLOUR"]
    assert sorted(plain) == ["compute", "wait"]
    assert textures["idle"].startswith("COLOUR; outline")
    assert len(set(textures.values())) == len(CAUSES) - 1


def test_group_title():
    assert group_title(["a"]) == ("a", "")
    assert group_title(["a", "b", "c"]) == ("a", "+2")

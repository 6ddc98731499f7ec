"""Chart of the cycles of every group of layers by cause, beside the bound that none can beat."""

from collections.abc import Mapping, Sequence
from html import escape

from crisp_golden.cycles.program_causes import CAUSES
from crisp_sw.report.charts.cycle_chart import bar, mark
from crisp_sw.report.numbers import count, percent
from crisp_sw.results.network_run import BoundedGroup

ORDER = ("compute", *(cause for cause in CAUSES if cause != "compute"))

CAUSE_TEXTS = {
    "compute": "the array multiplies, or takes a maximum",
    "residual": "it fetches the residual tensor",
    "load": "it waits for weights or indices from the core's memories",
    "drain": "it waits for the output stage",
    "flush": "last window to last output of a job",
    "prologue": "a job fills the pipelines",
    "wait": "the core waits for the load or the store engine",
    "idle": "the core has no command",
}


def cause_chart(groups: Sequence[BoundedGroup], anchors: Mapping[str, str]) -> str:
    """HTML list with one stacked bar per group, and a mark where its bound is.

    Parameters
    ----------
    anchors : ids of the rows that the first layers of the groups link to, by name.
    """
    longest = max(1, *(max(group.cycles, group.bound.cycles) for group in groups))
    return f'<ol class="chart">{"".join(_row(group, longest, anchors) for group in groups)}</ol>'


def cause_legend() -> str:
    """HTML keys of the chart's colours and textures."""
    keys = "".join(f'<span><b class="{cause}"></b>{cause}</span>' for cause in ORDER)
    return f'<div class="legend">{keys}<span><b class="key-bound"></b>bound</span></div>'


def group_title(layers: Sequence[str]) -> tuple[str, str]:
    """The first layer of a group, and how many more there are."""
    return layers[0], f"+{len(layers) - 1}" if len(layers) > 1 else ""


def _row(group: BoundedGroup, longest: int, anchors: Mapping[str, str]) -> str:
    name, more = group_title(group.stages)
    causes = group.causes
    bars = "".join(bar(cause, causes[cause] / longest) for cause in ORDER if causes[cause])
    reached = percent(group.bound.cycles / max(1, group.cycles), 0)
    return (
        f'<li title="{escape(_title(group))}"><a class="name" href="#{escape(anchors[name])}">{escape(name)} '
        f'<span class="soft">{more}</span></a><div class="lane">{bars}'
        f"{mark('bound', group.bound.cycles / longest)}"
        f"<span>{count(group.cycles)} <em>{reached}</em></span></div></li>"
    )


def _title(group: BoundedGroup) -> str:
    causes = ", ".join(f"{cause} {group.causes[cause]:,}" for cause in ORDER if group.causes[cause])
    bound = group.bound
    return (
        f"{', '.join(group.stages)} in {group.bands} bands: {group.cycles:,} cycles ({causes}); "
        f"at least {bound.cycles:,}, because of {bound.limit}"
    )

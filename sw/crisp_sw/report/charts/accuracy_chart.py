"""Accuracies on an axis that shows their differences, each with its interval, and what was lost.

Intervals are those of 95%. Of one accuracy: Wilson's score interval (E. B. Wilson, 1927). Of a difference:
Newcombe's hybrid of two score intervals (R. G. Newcombe, 1998, method 10), for independent samples. All
accuracies here are of the same images, so that a difference is known better than that.
"""

from collections.abc import Iterable, Sequence
from html import escape
from math import ceil, floor, sqrt

from crisp_sw.report.numbers import percent
from crisp_sw.results.accuracies import Accuracies

QUANTILE = 1.959964
"""Of the normal distribution: 95% lie within so many deviations."""

ACCURACIES = (
    ("dense", "dense, as trained"),
    ("dense_fine_tuned", "dense, fine-tuned for the classes"),
    ("pruned", "pruned"),
    ("int8", "pruned, int8"),
)
_OWN = ("pruned", "int8")


def accuracy_chart(accuracy: Accuracies, images: int | None = None) -> str:
    """HTML rows of the accuracies on the user's classes, those present of dense, fine-tuned, pruned, int8.

    Parameters
    ----------
    images : that they were measured on; without it there are no intervals.
    """
    measured = accuracy.measured()
    shown = [(key, label) for key, label in ACCURACIES if key in measured]
    spans = {key: score_interval(measured[key], images) for key, _ in shown}
    low, high = _axis(spans.values())
    rows = []
    for key, label in shown:
        first, last, at = ((value - low) / (high - low) for value in (*spans[key], measured[key]))
        rows.append(
            f'<li class="{"own" if key in _OWN else ""}"><span class="name">{escape(label)}</span>'
            f'<div class="track"><i style="--first:{first:.4f};--last:{last:.4f}"></i>'
            f'<u style="--share:{at:.4f}"></u></div>'
            f'<span class="number">{percent(measured[key], 2)}</span>'
            f'<span class="soft">{escape(loss_text(accuracy, key, images))}</span></li>'
        )
    return _with_axis(rows, low, high)


def users_chart(users: Sequence[tuple[str, Accuracies, int | None]]) -> str:
    """HTML rows of several users on one axis: the dense network of each, and what is left of it.

    Parameters
    ----------
    users : (name, accuracies as `accuracy_chart` takes them, images that they were measured on).
    """
    shown = [(name, *_ends(accuracy), images) for name, accuracy, images in users if accuracy.measured()]
    low, high = _axis([score_interval(value, n) for _, a, b, n in shown for value in (a, b)] or [(0, 1)])
    rows = []
    for name, dense, left, images in shown:
        span = score_interval(left, images)
        first, last, at, before = ((value - low) / (high - low) for value in (*span, left, dense))
        rows.append(
            f'<li class="own"><span class="name">{escape(name)}</span><div class="track">'
            f'<i style="--first:{first:.4f};--last:{last:.4f}"></i>'
            f'<u class="before" style="--share:{before:.4f}"></u><u style="--share:{at:.4f}"></u></div>'
            f'<span class="number">{percent(left)}</span>'
            f'<span class="soft">of {percent(dense)}</span></li>'
        )
    return _with_axis(rows, low, high)


def _ends(accuracy: Accuracies) -> tuple[float, float]:
    """Of the dense network, and of the last form of the pruned one; one of both where only one is known."""
    order = (accuracy.dense_fine_tuned, accuracy.dense, accuracy.pruned, accuracy.int8)
    measured = [value for value in order if value is not None]
    return measured[0], measured[-1]


def _with_axis(rows: list[str], low: float, high: float) -> str:
    axis = f"<span>{percent(low, 0)}</span><span>{percent(high, 0)}</span>"
    rows.append(f'<li class="axis"><div class="ends">{axis}</div></li>')
    return f'<ol class="chart accuracies">{"".join(rows)}</ol>'


def loss_text(accuracy: Accuracies, key: str, images: int | None = None) -> str:
    """How far a network is from the dense one with the same training, in points; empty for that one."""
    own, reference = accuracy.measured().get(key), accuracy.reference
    if key not in _OWN or own is None or reference is None:
        return ""
    points = _signed(own - reference)
    if not images:
        return f"{points} points"
    low, high = difference_interval(own, reference, images)
    return f"{points} points ({_signed(low)} to {_signed(high)})"


def score_interval(share: float, count: int | None) -> tuple[float, float]:
    """Wilson's 95% interval of a share seen among ``count``; the share itself without a count."""
    if not count:
        return share, share
    z = QUANTILE**2 / count
    middle, half = share + z / 2, QUANTILE * sqrt(share * (1 - share) / count + z / (4 * count))
    return (middle - half) / (1 + z), (middle + half) / (1 + z)


def difference_interval(share: float, other: float, count: int) -> tuple[float, float]:
    """Newcombe's 95% interval of ``share - other``, each seen among ``count``."""
    (low, high), (other_low, other_high) = score_interval(share, count), score_interval(other, count)
    return (
        share - other - sqrt((share - low) ** 2 + (other_high - other) ** 2),
        share - other + sqrt((high - share) ** 2 + (other - other_low) ** 2),
    )


def _axis(spans: Iterable[tuple[float, float]]) -> tuple[float, float]:
    """Whole points that hold all intervals."""
    spans = list(spans)
    low = floor(100 * min(first for first, _ in spans)) / 100
    high = ceil(100 * max(last for _, last in spans)) / 100
    return max(0.0, min(low, high - 0.01)), min(1.0, max(high, low + 0.01))


def _signed(share: float) -> str:
    return f"{100 * share:+.2f}".replace("-", "\u2212")

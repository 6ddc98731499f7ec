"""The headline: accuracy, size, speed and sparsity at a glance."""

from collections.abc import Mapping
from html import escape
from typing import Any

from crisp_sw.report.numbers import count, percent, ratio, size

_ACCURACIES = (
    ("dense", "dense, as trained"),
    ("dense_fine_tuned", "dense, fine-tuned for the classes"),
    ("pruned", "pruned"),
    ("int8", "pruned, int8"),
)


def headline_tiles(report: Mapping[str, Any]) -> str:
    """HTML tiles of a report: speedup, compression, sparsity, int8 accuracy."""
    totals = report["totals"]
    tiles = (
        _tile(
            "Speedup over dense on the same core",
            ratio(totals["speedup"]),
            f"{count(totals['cycles_dense'])} \u2192 {count(totals['cycles_rtl'])} cycles per image, "
            f"{percent(totals['utilization'])} of the ideal",
        ),
        _tile(
            "Smaller weights",
            ratio(totals["compression"]),
            f"{size(totals['bytes_dense'])} \u2192 {size(totals['bytes_packed'])}, indices included",
        ),
        _tile("Weights pruned away", percent(report["sparsity"]), "of the prunable layers"),
        _tile(
            "Accuracy on the RTL's arithmetic",
            percent(report["accuracy"]["int8"]),
            f"{_signed_points(report['accuracy'])} against the dense network",
        ),
    )
    return f'<div class="tiles">{"".join(tiles)}</div>'


def accuracy_bars(accuracy: Mapping[str, float]) -> str:
    """HTML bars of the accuracies on the user's classes, those present of dense, fine-tuned, pruned, int8."""
    rows = "".join(
        f'<div class="{"own" if key in ("pruned", "int8") else ""}"><span>{escape(label)}</span>'
        f'<i style="--share:{100 * accuracy[key]:.2f}%"></i><span>{percent(accuracy[key], 2)}</span></div>'
        for key, label in _ACCURACIES
        if key in accuracy
    )
    return f'<div class="bars">{rows}</div>'


def _signed_points(accuracy: Mapping[str, float]) -> str:
    reference = accuracy.get("dense_fine_tuned", accuracy["dense"])
    return f"{100 * (accuracy['int8'] - reference):+.2f} points".replace("-", "\u2212")


def _tile(title: str, figure: str, detail: str) -> str:
    return (
        f'<div class="card tile"><h3>{escape(title)}</h3><div class="big">{escape(figure)}</div>'
        f'<div class="detail">{escape(detail)}</div></div>'
    )

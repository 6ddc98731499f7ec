"""Figures of a demo run as one JSON document: the layers that the RTL ran, and their totals."""

from collections.abc import Mapping, Sequence
from typing import Any

from crisp_spec.errors import CrispError

LAYER_KEYS = (
    "name",
    "K",
    "R",
    "P",
    "block",
    "n",
    "m",
    "kept_blocks",
    "total_blocks",
    "bytes_dense",
    "bytes_packed",
    "cycles_rtl",
    "cycles_predicted",
    "cycles_ideal",
    "cycles_dense",
    "bit_exact",
)
_SUMMED = ("bytes_dense", "bytes_packed", "cycles_rtl", "cycles_predicted", "cycles_ideal", "cycles_dense")


class ReportError(CrispError):
    """A report lacks figures that the page or its totals need."""


def total_figures(layers: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Totals of the layers of a report.

    Parameters
    ----------
    layers : one mapping with the keys `LAYER_KEYS` per layer.

    Returns
    -------
    Sums of bytes and cycles; ``compression`` (dense over packed bytes), ``speedup`` (dense over RTL
    cycles), ``utilization`` (ideal over RTL cycles); ``bit_exact`` and ``cycles_exact`` over all layers.

    Raises
    ------
    ReportError : there is no layer, or one lacks a key.
    """
    if not layers:
        raise ReportError("the report has no layers, expected at least one")
    for layer in layers:
        missing = [key for key in LAYER_KEYS if key not in layer]
        if missing:
            raise ReportError(f"layer {layer.get('name', '?')!r} of the report lacks {', '.join(missing)}")
    sums = {key: sum(layer[key] for layer in layers) for key in _SUMMED}
    return {
        "layers": len(layers),
        **sums,
        "compression": sums["bytes_dense"] / max(1, sums["bytes_packed"]),
        "speedup": sums["cycles_dense"] / max(1, sums["cycles_rtl"]),
        "utilization": sums["cycles_ideal"] / max(1, sums["cycles_rtl"]),
        "bit_exact": all(layer["bit_exact"] for layer in layers),
        "cycles_exact": all(layer["cycles_rtl"] == layer["cycles_predicted"] for layer in layers),
    }


def failures(layers: Sequence[Mapping[str, Any]]) -> list[str]:
    """One sentence for every layer whose outputs or cycles on the RTL are not the predicted ones."""
    sentences = []
    for layer in layers:
        if not layer["bit_exact"]:
            sentences.append(f"{layer['name']}: the RTL's output differs from the golden model's")
        if layer["cycles_rtl"] != layer["cycles_predicted"]:
            sentences.append(
                f"{layer['name']}: the RTL took {layer['cycles_rtl']} cycles, "
                f"the cycle model predicted {layer['cycles_predicted']}"
            )
    return sentences

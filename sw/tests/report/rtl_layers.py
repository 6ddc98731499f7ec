"""Layers as if they had run on the RTL."""

from typing import Any

from crisp_sw.results.layers import RtlLayer

FIGURES: dict[str, Any] = {
    **{"K": 64, "R": 576, "P": 196, "block": 16, "n": 1, "m": 4, "kept_blocks": 12, "total_blocks": 144},
    **{"bytes_dense": 36_864, "bytes_packed": 4096},
    **{"cycles_rtl": 1000, "cycles_predicted": 1000, "cycles_ideal": 900, "cycles_dense": 8000},
    "bit_exact": True,
}


def rtl_layer(name: str = "conv", **figures: Any) -> RtlLayer:
    """A layer with some figures of its own."""
    return RtlLayer(name=name, **{**FIGURES, **figures})

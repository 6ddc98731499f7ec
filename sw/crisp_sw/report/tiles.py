"""Tiles: the headline of a demo run, and what other pages share with it."""

from collections.abc import Mapping
from typing import Any

from crisp_sw.report.charts.accuracy_chart import loss_text
from crisp_sw.report.document import Tile, tiles
from crisp_sw.report.numbers import count, percent, ratio, size
from crisp_sw.report.times import CLOCK_MHZ, time_tile


def headline_tiles(report: Mapping[str, Any]) -> str:
    """HTML tiles of a report: speedup, time, compression, sparsity, int8 accuracy."""
    totals, accuracy = report["totals"], report["accuracy"]
    return tiles(
        (
            Tile(
                title="Speedup over dense on the same core",
                figure=ratio(totals["speedup"]),
                detail=f"{count(totals['cycles_dense'])} \u2192 {count(totals['cycles_rtl'])} cycles per "
                f"image, {percent(totals['utilization'])} of the ideal",
            ),
            time_tile(totals["cycles_rtl"], report.get("clock_mhz", CLOCK_MHZ), "layer by layer"),
            weights_tile(totals),
            Tile(
                title="Weights pruned away",
                figure=percent(report["sparsity"]),
                detail="of the prunable layers",
            ),
            Tile(
                title="Accuracy on the RTL's arithmetic",
                figure=percent(accuracy["int8"]),
                detail=f"{loss_text(accuracy, 'int8')} against the dense network",
            ),
        )
    )


def weights_tile(totals: Mapping[str, Any]) -> Tile:
    """How much smaller the weights are, with all indices."""
    return Tile(
        title="Smaller weights",
        figure=ratio(totals["compression"]),
        detail=f"{size(totals['bytes_dense'])} \u2192 {size(totals['bytes_packed'])}, with indices",
    )

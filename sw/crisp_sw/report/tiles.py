"""Tiles: the headline of a demo run, and what other pages share with it."""

from crisp_sw.report.charts.accuracy_chart import loss_text
from crisp_sw.report.document import Tile, tiles
from crisp_sw.report.numbers import count, percent, ratio, size
from crisp_sw.report.tables import DASH
from crisp_sw.report.times import time_tile
from crisp_sw.results.demo_report import DemoReport
from crisp_sw.results.layers import LayerTotals


def headline_tiles(report: DemoReport) -> str:
    """HTML tiles of a report: speedup, time, compression, sparsity, int8 accuracy."""
    totals, accuracy = report.totals, report.accuracy
    return tiles(
        (
            Tile(
                title="Speedup over dense on the same core",
                figure=DASH if totals.speedup is None else ratio(totals.speedup),
                detail=f"{count(totals.cycles_dense or 0)} \u2192 {count(totals.cycles_rtl)} cycles per "
                f"image, {percent(totals.utilization)} of the ideal",
            ),
            time_tile(totals.cycles_rtl, report.clock_mhz, "layer by layer"),
            weights_tile(totals),
            Tile(
                title="Weights pruned away",
                figure=percent(report.sparsity),
                detail="of the prunable layers",
            ),
            Tile(
                title="Accuracy on the RTL's arithmetic",
                figure=percent(accuracy.int8 or 0),
                detail=f"{loss_text(accuracy, 'int8')} against the dense network",
            ),
        )
    )


def weights_tile(totals: LayerTotals) -> Tile:
    """How much smaller the weights are, with all indices."""
    return Tile(
        title="Smaller weights",
        figure=ratio(totals.compression),
        detail=f"{size(totals.bytes_dense)} \u2192 {size(totals.bytes_packed)}, with indices",
    )

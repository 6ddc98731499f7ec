"""The figures of a run as JSON, and as a self-contained page with charts and pictures of the sparsity."""

from crisp_sw.report.figures import LAYER_KEYS, ReportError, failures, total_figures
from crisp_sw.report.page import render_page
from crisp_sw.report.sample_images import SampleImage

__all__ = [
    "LAYER_KEYS",
    "ReportError",
    "SampleImage",
    "failures",
    "render_page",
    "total_figures",
]

from .pages.demo_figures import LAYER_KEYS, ReportError, failures, total_figures
from .pages.demo_page import render_page
from .pages.sample_images import SampleImage

__all__ = [
    "LAYER_KEYS",
    "ReportError",
    "SampleImage",
    "failures",
    "render_page",
    "total_figures",
]

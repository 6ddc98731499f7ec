from .figures import LAYER_KEYS, ReportError, failures, total_figures
from .page import render_page
from .sample_images import SampleImage

__all__ = [
    "LAYER_KEYS",
    "ReportError",
    "SampleImage",
    "failures",
    "render_page",
    "total_figures",
]

from .pages.demo_page import render_page
from .pages.sample_images import SampleImage

__all__ = [
    "SampleImage",
    "render_page",
]

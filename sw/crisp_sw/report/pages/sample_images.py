"""The images that went through the RTL, with what the network says of each."""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
from PIL import Image


@dataclass(frozen=True, kw_only=True)
class SampleImage:
    """One test image.

    Attributes
    ----------
    pixels : uint8[C, H, W], C is 1 or 3.
    label, prediction : class names.
    scores : int8 outputs of the network by class name, in the network's order.
    """

    pixels: np.ndarray
    label: str
    prediction: str
    scores: dict[str, int]


def sample_gallery(samples: Sequence[SampleImage]) -> str:
    """HTML figures: picture, label, prediction and a bar per class."""
    return f'<div class="gallery">{"".join(_figure(sample) for sample in samples)}</div>'


def png_data_uri(pixels: np.ndarray) -> str:
    """uint8[C, H, W] as the URI of a PNG."""
    picture = pixels[0] if pixels.shape[0] == 1 else np.moveaxis(pixels, 0, -1)
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(picture)).save(buffer, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def _figure(sample: SampleImage) -> str:
    right = sample.label == sample.prediction
    verdict = "good" if right else "bad"
    said = "recognised" if right else f"taken for {sample.prediction}"
    bars = "".join(_bar(name, score, name == sample.prediction) for name, score in sample.scores.items())
    return (
        f'<figure><img alt="{escape(sample.label)}" src="{png_data_uri(sample.pixels)}">'
        f'<figcaption><b>{escape(sample.label)}</b> <span class="{verdict}">{escape(said)}</span>'
        f"{bars}</figcaption></figure>"
    )


def _bar(name: str, score: int, best: bool) -> str:
    width = 100 * (score + 128) / 255
    return (
        f'<div class="score{" best" if best else ""}"><span>{escape(name)}</span>'
        f'<i style="--share:{width:.0f}%"></i><span>{score}</span></div>'
    )

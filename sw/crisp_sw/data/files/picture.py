"""One picture of a folder as a square of bytes.

Pillow reads some fifty kinds of files, and hands some of them to other programs: PostScript under any name
goes to Ghostscript, which executes it. Only the kinds of `KINDS` are read here, only from regular files, and
only after the sizes that the header states have been found small enough.
"""

import io
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from crisp_files.input_files import read_regular
from crisp_sw.errors import DatasetError

KINDS = {
    "JPEG": (".jpg", ".jpeg"),
    "PNG": (".png",),
    "BMP": (".bmp",),
    "WEBP": (".webp",),
    "PPM": (".ppm", ".pgm"),
}
"""Pillow's names of the kinds that are read, and how names of such files end; the content decides."""
SUFFIXES = tuple(sorted(suffix for suffixes in KINDS.values() for suffix in suffixes))
MOST_PIXELS = 1 << 26
"""A tenth more than ImageNet's largest picture; one process needs 0.3 to 0.7 GB for them."""
MOST_BYTES = 8 * MOST_PIXELS
"""Of a file: four channels of 16 bits, not compressed."""


def decode_picture(path: Path, size: int) -> np.ndarray:
    """Read one picture as uint8[3, size, size]: scaled to cover the square, middle kept.

    Raises
    ------
    DatasetError : it is missing, no regular file, of another kind, too large, damaged or truncated.
    """
    with _opened(path) as picture:
        fitted = ImageOps.fit(_as_rgb(picture), (size, size), Image.Resampling.BILINEAR)
    return np.asarray(fitted).transpose(2, 0, 1)


def shorter_edge(files: Sequence[Path], *, strict: bool = True) -> int:
    """Shorter edge in pixels of the first picture, or with ``strict`` unset of the first readable one.

    Raises
    ------
    DatasetError : it cannot be read, or none can.
    """
    for file in files:
        try:
            with _opened(file) as picture:
                return min(picture.size)
        except DatasetError:
            if strict:
                raise
    raise DatasetError(f"none of {len(files)} pictures can be read, such as {files[0]}")


@contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    """Open a picture whose pixels are not decoded yet; what goes wrong in the block is said of the file."""
    try:
        # In memory, nothing can be read that is not there: files take what a chunk says of its own size.
        file = io.BytesIO(read_regular(path, MOST_BYTES))
        with warnings.catch_warnings():
            # Of pictures larger than what is refused here, and of metadata that are not used, such as EXIF.
            warnings.simplefilter("ignore")
            with Image.open(file, formats=tuple(KINDS)) as picture:
                _require_small(picture)
                yield picture
    except Exception as error:  # decoders raise nearly anything for damaged files
        raise DatasetError(f"{path}: {_reason(error)}") from error


def _require_small(picture: Image.Image) -> None:
    width, height = picture.size
    if width * height > MOST_PIXELS:
        raise DatasetError(f"{width} x {height} pixels; expected at most {MOST_PIXELS} in all")


def _as_rgb(picture: Image.Image) -> Image.Image:
    """Convert to three channels of 8 bits; greys of 16 bits are scaled, which `convert` would cut off."""
    if picture.mode == "F":
        raise DatasetError("pixels in floating point; expected 8 or 16 bits")
    if picture.mode.startswith("I"):
        levels = np.asarray(picture).astype(np.float32) / 257
        picture = Image.fromarray((levels + 0.5).astype(np.uint8))
    return picture if picture.mode == "RGB" else picture.convert("RGB")


def _reason(error: Exception) -> str:
    if isinstance(error, DatasetError):
        return str(error)
    if isinstance(error, FileNotFoundError):
        return "missing picture"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    if isinstance(error, Image.DecompressionBombError):  # Pillow's own bound, far above
        return f"more than {MOST_PIXELS} pixels, the most that are read"
    detail = str(error) or type(error).__name__
    if isinstance(error, UnidentifiedImageError):
        detail = "not one of the kinds " + ", ".join(KINDS)
    return f"damaged or truncated picture ({detail})"

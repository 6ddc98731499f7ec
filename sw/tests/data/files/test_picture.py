"""Pictures of the kinds that are read, and of all others; what damaged and dangerous files end in."""

import io
import os
import random
import warnings
import zlib
from contextlib import suppress
from io import BytesIO

import numpy as np
import pytest
from PIL import EpsImagePlugin, Image

from crisp_sw.data.files import picture
from crisp_sw.data.files.picture import decode_picture, shorter_edge
from crisp_sw.errors import DatasetError

SUFFIX_OF_KIND = [(kind, suffixes[0]) for kind, suffixes in picture.KINDS.items()]
PROGRAM = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 40 40\n%%EndComments\n{} loop\n"


def encoded(kind, size=(10, 10)):
    buffer = BytesIO()
    Image.new("RGB", size, "red").save(buffer, kind)
    return buffer.getvalue()


@pytest.mark.parametrize("suffix", picture.SUFFIXES)
def test_every_kind_is_read(tmp_path, suffix):
    path = tmp_path / f"grey{suffix}"
    Image.new("L", (12, 10), 200).save(path)
    pixels = decode_picture(path, 8)
    assert pixels.dtype == np.uint8
    assert np.array_equal(pixels, np.full((3, 8, 8), 200))


@pytest.mark.parametrize("kind", ["png", "pgm"])
def test_greys_of_16_bits_become_8(tmp_path, kind):
    levels = np.linspace(0, 65535, 8, dtype=np.uint16)
    Image.fromarray(np.tile(levels, (8, 1))).save(tmp_path / f"grey.{kind}")
    pixels = decode_picture(tmp_path / f"grey.{kind}", 8)
    assert pixels[:, 0].tolist() == [[0, 36, 73, 109, 146, 182, 219, 255]] * 3


def test_content_decides_and_not_the_name(tmp_path):
    (tmp_path / "a.JPEG").write_bytes(encoded("PNG"))
    assert decode_picture(tmp_path / "a.JPEG", 8)[:, 0, 0].tolist() == [255, 0, 0]


def test_no_picture_reaches_ghostscript(tmp_path, monkeypatch):
    started = []
    monkeypatch.setattr(EpsImagePlugin, "Ghostscript", lambda *_: started.append(True))
    (tmp_path / "z.png").write_bytes(PROGRAM)
    for read in (lambda path: decode_picture(path, 8), lambda path: shorter_edge([path])):
        with pytest.raises(DatasetError, match=r"z\.png: .*not one of the kinds JPEG, PNG, BMP, WEBP, PPM"):
            read(tmp_path / "z.png")
    assert not started


@pytest.mark.parametrize("kind", ["DDS", "EPS", "GIF", "ICO", "JPEG2000", "PCX", "SGI", "TGA", "TIFF"])
def test_other_kinds_are_refused_under_any_name(tmp_path, kind):
    if kind not in Image.SAVE:
        Image.init()
    if kind not in Image.SAVE:
        pytest.skip(f"Pillow was built without {kind}")
    (tmp_path / "a.png").write_bytes(encoded(kind))
    with pytest.raises(DatasetError, match=r"a\.png: .*not one of the kinds"):
        decode_picture(tmp_path / "a.png", 8)


@pytest.mark.parametrize(("kind", "suffix"), SUFFIX_OF_KIND)
def test_too_many_pixels_are_refused_undecoded(tmp_path, monkeypatch, kind, suffix):
    monkeypatch.setattr(picture, "MOST_PIXELS", 99)
    path, small, large = tmp_path / f"a{suffix}", encoded(kind, (11, 9)), encoded(kind, (10, 10))
    path.write_bytes(small)
    decode_picture(path, 8)
    path.write_bytes(large)
    monkeypatch.setattr(Image.Image, "load", None)
    for read in (lambda path: decode_picture(path, 8), lambda path: shorter_edge([path])):
        with pytest.raises(DatasetError, match=rf"a{suffix}: 10 x 10 pixels; expected at most 99 in all$"):
            read(path)


@pytest.mark.filterwarnings("error")
def test_a_picture_of_169_megapixels_is_refused_without_a_warning(tmp_path):
    Image.new("1", (13000, 13000)).save(tmp_path / "a.png")
    with pytest.raises(DatasetError, match=r"a\.png: 13000 x 13000 pixels; expected at most 67108864 in all"):
        decode_picture(tmp_path / "a.png", 8)


def test_a_file_that_is_too_large_is_refused_unread(tmp_path):
    with open(tmp_path / "a.webp", "wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(DatasetError, match=r"a\.webp: 1099511627776 bytes; expected at most 536870912$"):
        decode_picture(tmp_path / "a.webp", 8)


def test_a_pipe_is_refused_without_waiting(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "a.png").symlink_to("pipe")
    with pytest.raises(DatasetError, match=r"a\.png: a named pipe; expected a regular file$"):
        decode_picture(tmp_path / "a.png", 8)


def test_floating_point_is_refused(tmp_path):
    (tmp_path / "a.ppm").write_bytes(b"Pf\n8 8\n-1.0\n" + np.full(64, 0.5, np.float32).tobytes())
    with pytest.raises(DatasetError, match=r"a\.ppm: pixels in floating point; expected 8 or 16 bits"):
        decode_picture(tmp_path / "a.ppm", 8)


@pytest.mark.parametrize(("kind", "suffix"), SUFFIX_OF_KIND)
def test_damage_is_a_sentence(tmp_path, monkeypatch, kind, suffix):
    monkeypatch.setattr(picture, "MOST_PIXELS", 10_000)
    random_numbers, path = random.Random(kind), tmp_path / f"a{suffix}"
    whole = encoded(kind)
    for _ in range(100):
        damaged = bytearray(whole[: random_numbers.randrange(len(whole) + 1)] + whole)[: len(whole)]
        for _ in range(random_numbers.randrange(1, 6)):
            damaged[random_numbers.randrange(len(damaged))] = random_numbers.randrange(256)
        path.write_bytes(damaged)
        with suppress(DatasetError):  # and nothing else
            assert decode_picture(path, 8).shape == (3, 8, 8)


def test_edge_is_that_of_the_first_picture_that_can_be_read(tmp_path):
    files = [tmp_path / "0.png", tmp_path / "1.png"]
    for file in files:
        file.write_bytes(encoded("PNG", (9, 8)))
    assert shorter_edge(files) == 8
    files[0].write_bytes(b"")
    with pytest.raises(DatasetError, match=r"0\.png: damaged"):
        shorter_edge(files)
    assert shorter_edge(files, strict=False) == 8
    with pytest.raises(DatasetError, match="none of 1 pictures can be read"):
        shorter_edge(files[:1], strict=False)


def test_more_pixels_than_pillow_reads_are_said_to_be_too_many(tmp_path, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 40)
    (tmp_path / "x.png").write_bytes(encoded("PNG"))
    with pytest.raises(DatasetError, match=r"x\.png: more than 67108864 pixels, the most that are read$"):
        decode_picture(tmp_path / "x.png", 8)


def test_a_chunk_takes_no_more_memory_than_the_file_has(tmp_path, monkeypatch):
    """The last chunk says that it has 4 GB, which a file would be asked for."""
    asked = []

    class Watched(io.BytesIO):
        def read(self, size=-1):
            content = super().read(size)
            asked.append(len(content))
            return content

    data = encoded("PNG")
    start = data.index(b"IDAT") - 4
    (tmp_path / "a.png").write_bytes(data[:start] + (2**32 - 1).to_bytes(4, "big") + data[start + 4 :])
    monkeypatch.setattr(picture.io, "BytesIO", Watched)
    with suppress(DatasetError):
        decode_picture(tmp_path / "a.png", 8)
    assert asked
    assert sum(asked) <= 2 * len(data)


def test_damaged_metadata_beside_good_pixels_are_passed_over_in_silence(tmp_path):
    frames = [Image.new("RGB", (10, 10), color) for color in ("red", "blue")]
    frames[0].save(tmp_path / "x.png", save_all=True, append_images=frames[1:])
    content = (tmp_path / "x.png").read_bytes()
    start = content.index(b"acTL")
    chunk = b"acTL" + bytes(8)  # an animation of no frames
    damaged = chunk + zlib.crc32(chunk).to_bytes(4, "big")
    (tmp_path / "x.png").write_bytes(content[:start] + damaged + content[start + len(damaged) :])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert decode_picture(tmp_path / "x.png", 8)[:, 0, 0].tolist() == [255, 0, 0]

"""A program image survives its file; whatever else is done to the file is noticed."""

import json
import zlib
from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any

import numpy as np
import pytest

from crisp_golden.arithmetic.input_mapping import InputMapping
from crisp_golden.machine.program_image import (
    HEADER,
    IMAGE_VERSION,
    MAGIC,
    ImageError,
    ProgramImage,
    TensorInfo,
    read_image,
)
from crisp_spec.commands import COMMAND_BYTES, Command, Opcode
from crisp_spec.config import preset
from crisp_spec.errors import LayerError

INPUT = TensorInfo(name="input", segment=1, offset=0, channels=24, height=4, width=6)
OUTPUT = TensorInfo(name="fc", segment=2, offset=0, channels=3, height=1, width=1)
KEPT = TensorInfo(name="conv", segment=3, offset=128, channels=9, height=2, width=2)
MAPPING = InputMapping(
    channels=3,
    height=8,
    width=9,
    kernel=(3, 3),
    stride=2,
    padding=(1, 1),
    patches=(True, False),
    pixel_channels=4,
    fill=-3,
)
END = Command(Opcode.END, {}).encode()


def example() -> ProgramImage:
    return ProgramImage(
        config=preset("tiny"),
        contents=bytes(COMMAND_BYTES) + END + Random(1).randbytes(128),
        commands=2,
        sizes=(576, 4096, 192),
        mapping=MAPPING,
        input=INPUT,
        output=OUTPUT,
        kept=(KEPT,),
        spans=(("conv", 0, 1),),
        description={"classes": ["a", "b"]},
    )


def test_an_image_survives_its_file(tmp_path):
    path = tmp_path / "network.crisp"
    path.write_bytes(example().to_bytes())
    assert read_image(path) == example()


def test_every_truncation_and_every_longer_file_is_refused():
    data = example().to_bytes()
    for length in range(len(data)):
        with pytest.raises(ImageError, match="bytes, expected"):
            ProgramImage.from_bytes(data[:length])
    with pytest.raises(ImageError, match="bytes, expected"):
        ProgramImage.from_bytes(data + b"\0")


def test_every_altered_byte_is_refused():
    data = example().to_bytes()
    rng = Random(2)
    for place in range(len(data)):
        altered = bytearray(data)
        altered[place] ^= rng.randrange(1, 256)
        with pytest.raises(ImageError):
            ProgramImage.from_bytes(bytes(altered))


@pytest.mark.parametrize(
    ("place", "message"),
    [
        (0, rf"program image begins with b'.*', expected {MAGIC!r}"),
        (8, r"program image has version \d+, expected 2"),
        (12, r"program image has checksum [0-9a-f]{8}, expected [0-9a-f]{8}"),  # the number of commands
        (40, r"program image has checksum [0-9a-f]{8}, expected [0-9a-f]{8}"),  # padding
        (-1, r"program image has checksum [0-9a-f]{8}, expected [0-9a-f]{8}"),
    ],
)
def test_what_is_wrong_is_said_with_the_name_of_the_file(tmp_path, place, message):
    data = bytearray(example().to_bytes())
    data[place] ^= 0x10
    path = tmp_path / "altered.crisp"
    path.write_bytes(data)
    with pytest.raises(ImageError, match=rf"altered\.crisp: {message}"):
        read_image(path)


def refusal(path, data: bytes) -> str:
    """What ``read_image`` says of a file, behind the file's name."""
    path.write_bytes(data)
    with pytest.raises(ImageError) as caught:
        read_image(path)
    name, _, message = str(caught.value).partition(": ")
    assert name == str(path)
    return message


def sealed(text: bytes, commands: int = 2) -> bytes:
    """The example with another description and number of commands, and a checksum that fits."""
    contents = example().contents
    header = MAGIC, IMAGE_VERSION, commands, len(text), len(contents)
    checksum = zlib.crc32(HEADER.pack(*header, 0) + text + contents)
    return HEADER.pack(*header, checksum) + text + contents


def described(change: Callable[[Any], object] | None = None) -> bytes:
    """The example's description, changed."""
    size = HEADER.unpack_from(example().to_bytes())[3]
    description = json.loads(example().to_bytes()[HEADER.size : HEADER.size + size])
    if change:
        change(description)
    return json.dumps(description).encode()


def test_a_sealed_description_is_read(tmp_path):
    path = tmp_path / "network.crisp"
    path.write_bytes(sealed(described()))
    assert read_image(path) == example()


DAMAGED = "program image has a damaged description: "


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "Expecting value: line 1 column 1 (char 0)"),
        (b"[" * 100_000, "nested too deeply; expected at most 64 levels"),
        (b"\xff", "'utf-8' codec can't decode byte 0xff in position 0: invalid start byte"),
        (b"[]", "`image` must be an object, not []"),
    ],
)
def test_a_description_that_is_none(tmp_path, text, message):
    assert refusal(tmp_path / "a.crisp", sealed(text)).startswith(DAMAGED + message)


ENTRIES = "config, sizes, mapping, input, output, kept, spans, description"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda image: image.pop("config"),
            f"`image` must be an object of {ENTRIES}, not '{ENTRIES.removeprefix('config, ')}'",
        ),
        (lambda image: image["input"].update(width="6"), "`image.input.width` must be int, not '6'"),
        (lambda image: image["config"].update(rows=3), "`rows` must be a positive power of 2, not 3"),
        (
            lambda image: image["mapping"].update(stride=0),
            "`stride` of the input mapping must be at least 1, not 0",
        ),
        (
            lambda image: image["mapping"].update(pixel_channels=2),
            "`pixel_channels` of the input mapping must be at least 3, not 2",
        ),
        (
            lambda image: image["mapping"].update(fill=128),
            "`fill` of the input mapping must be from -128 to 127, not 128",
        ),
    ],
)
def test_a_description_of_something_else(tmp_path, change, message):
    assert refusal(tmp_path / "a.crisp", sealed(described(change))) == DAMAGED + message


@pytest.mark.parametrize("commands", [0, 5, 1_000_000])
def test_commands_that_the_image_does_not_hold(tmp_path, commands):
    message = f"program image claims {commands} commands of 64 bytes each, but its contents have 256 bytes"
    assert refusal(tmp_path / "a.crisp", sealed(described(), commands)) == message


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"spans": (("conv", 1, 3),)}, "conv has the commands from 1 to 3 of 2"),
        (
            {"sizes": (576, 4096, -64)},
            "program image has segments of (576, 4096, -64) bytes, expected 0 to 4,294,967,296",
        ),
        ({"sizes": (575, 4096, 192)}, "tensor input is in bytes 0 to 576 of segment 1, which has 575"),
        (
            {"kept": (replace(KEPT, offset=136),)},
            "tensor conv is in bytes 136 to 200 of segment 3, which has 192",
        ),
        (
            {"kept": (replace(KEPT, offset=-8),)},
            "tensor conv is in bytes -8 to 56 of segment 3, which has 192",
        ),
        ({"output": replace(OUTPUT, segment=0)}, "tensor fc is in segment 0, expected 1 to 3"),
        ({"output": replace(OUTPUT, segment=4)}, "tensor fc is in segment 4, expected 1 to 3"),
        ({"output": replace(OUTPUT, height=0)}, "tensor fc has shape (3, 0, 1), expected 1 or more of each"),
        ({"input": replace(INPUT, width=5)}, "the mapping makes a tensor (24, 4, 6), expected (24, 4, 5)"),
    ],
)
def test_parts_that_do_not_fit_together(change, message):
    with pytest.raises(ImageError) as caught:
        replace(example(), **change)
    assert str(caught.value) == message


def test_the_input_is_made_of_an_image_of_its_shape_and_type_alone():
    plain = replace(example(), mapping=None)
    for image, shape in ((example(), (3, 8, 9)), (plain, (24, 4, 6))):
        assert image.image_shape == shape
        assert len(image.input_bytes(np.zeros(shape, np.int8))) == 576
        wrong = {
            "int8 of shape (1, 3, 8, 9)": np.zeros((1, 3, 8, 9), np.int8),
            "int8 of shape (3, 9, 9)": np.zeros((3, 9, 9), np.int8),
            f"float32 of shape {shape}": np.zeros(shape, np.float32),
            f"uint8 of shape {shape}": np.zeros(shape, np.uint8),
        }
        for found, x in wrong.items():
            with pytest.raises(LayerError) as caught:
                image.input_bytes(x)
            assert str(caught.value) == f"the image is {found}, expected int8 of {shape}"

"""A program image survives its file; whatever else is done to the file is noticed."""

from random import Random

import pytest

from crisp_golden.config import preset
from crisp_golden.program.commands import COMMAND_BYTES, Command, Opcode
from crisp_golden.program.image import MAGIC, ImageError, ProgramImage, TensorInfo, read_image
from crisp_golden.program.input_mapping import InputMapping

TENSOR = TensorInfo(name="input", window=1, offset=0, channels=3, height=4, width=5)
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
        sizes=(4096, 4096, 0),
        mapping=MAPPING,
        input=TENSOR,
        output=TENSOR,
        kept=(TENSOR,),
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
        (8, r"program image has version \d+, expected 1"),
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

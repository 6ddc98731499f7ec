"""Program images: everything that the accelerator needs for one network, in one file with a checksum.

Layout: a header of 64 bytes, the JSON description, padding, the commands, the parameters. Commands and
parameters together are the contents of segment 0. All numbers are little-endian. The checksum is the
CRC-32 of the whole file, with 0 in its own place.
"""

import json
import struct
import zlib
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from crisp_files.json_toml import parse_json
from crisp_files.json_values import entries_from_json
from crisp_golden.arithmetic.input_mapping import InputMapping
from crisp_spec.commands import COMMAND_BYTES
from crisp_spec.config import CoreConfig
from crisp_spec.errors import CrispError, LayerError

MAGIC = b"CRISPRG1"
IMAGE_VERSION = 2
"""Of the file, and so of the commands in it; 1 has another name for segments."""
HEADER = struct.Struct("<8sIIQQI28x")
"""Magic, version, commands, bytes of the description, bytes of the contents, checksum."""
MAX_SEGMENT_BYTES = 1 << 32
"""Of a segment: commands reach no further."""
_CHECKSUM = slice(32, 36)
"""Its place in the header."""
_BINARY = ("contents", "commands")
"""What of an image is not in its description."""


class ImageError(CrispError):
    """A program image is damaged, of another version, or for another configuration."""


@dataclass(frozen=True, kw_only=True)
class TensorInfo:
    """A tensor in external memory: int8[planes, height, width, word_channels], pixel by pixel.

    Attributes
    ----------
    segment : number of its segment; offset : of its first byte there.
    """

    name: str
    segment: int
    offset: int
    channels: int
    height: int
    width: int

    @property
    def shape(self) -> tuple[int, int, int]:
        """(C, H, W)."""
        return self.channels, self.height, self.width

    def planes(self, config: CoreConfig) -> int:
        """Groups of ``word_channels`` channels."""
        return -(-self.channels // config.word_channels)

    def size(self, config: CoreConfig) -> int:
        """Bytes."""
        return self.planes(config) * self.height * self.width * config.word_channels

    def pack(self, x: np.ndarray, config: CoreConfig) -> np.ndarray:
        """The bytes uint8[size] of ``x`` int8[channels, height, width]."""
        planes = self.planes(config)
        padded = np.pad(x, ((0, planes * config.word_channels - len(x)), (0, 0), (0, 0)))
        words = padded.reshape(planes, config.word_channels, *x.shape[1:]).transpose(0, 2, 3, 1)
        return np.ascontiguousarray(words).view(np.uint8).ravel()

    def unpack(self, data: np.ndarray, config: CoreConfig) -> np.ndarray:
        """Inverse of ``pack``: int8[channels, height, width]."""
        planes = self.planes(config)
        words = data.view(np.int8).reshape(planes, self.height, self.width, config.word_channels)
        return words.transpose(0, 3, 1, 2).reshape(-1, self.height, self.width)[: self.channels]


@dataclass(frozen=True, kw_only=True)
class ProgramImage:
    """A compiled network.

    Attributes
    ----------
    config : the configuration that it runs on.
    contents : bytes of segment 0: ``commands`` commands, then parameters.
    sizes : bytes of the other segments: input, output, scratch.
    mapping : how an image becomes the input tensor; None if it is the input tensor.
    input, output : the network's tensors; ``kept`` are others that the program stores.
    spans : (name of the stage, first command, one past the last) of everything that computes, in order.
    description : what else the compiler wants to say: groups, input mapping, classes.

    Raises
    ------
    ImageError : commands, spans or tensors exceed what holds them, or the mapping makes another input.
    """

    config: CoreConfig
    contents: bytes
    commands: int
    sizes: tuple[int, int, int]
    mapping: InputMapping | None
    input: TensorInfo
    output: TensorInfo
    kept: tuple[TensorInfo, ...] = ()
    spans: tuple[tuple[str, int, int], ...] = ()
    description: dict[str, Any]

    def __post_init__(self):
        if not 0 < self.commands * COMMAND_BYTES <= len(self.contents):
            raise ImageError(
                f"program image claims {self.commands} commands of {COMMAND_BYTES} bytes each, "
                f"but its contents have {len(self.contents)} bytes"
            )
        for name, first, end in self.spans:
            if not 0 <= first <= end <= self.commands:
                raise ImageError(f"{name} has the commands from {first} to {end} of {self.commands}")
        if min(self.sizes) < 0 or max(self.sizes) > MAX_SEGMENT_BYTES:
            raise ImageError(
                f"program image has segments of {self.sizes} bytes, expected 0 to {MAX_SEGMENT_BYTES:,}"
            )
        for tensor in (self.input, self.output, *self.kept):
            self._check_place(tensor)
        if self.mapping and self.mapping.shape != self.input.shape:
            raise ImageError(f"the mapping makes a tensor {self.mapping.shape}, expected {self.input.shape}")

    def _check_place(self, tensor: TensorInfo) -> None:
        """Refuse a tensor that is not inside a segment behind the program's."""
        if min(tensor.shape) < 1:
            raise ImageError(f"tensor {tensor.name} has shape {tensor.shape}, expected 1 or more of each")
        if not 1 <= tensor.segment <= len(self.sizes):
            raise ImageError(
                f"tensor {tensor.name} is in segment {tensor.segment}, expected 1 to {len(self.sizes)}"
            )
        end, size = tensor.offset + tensor.size(self.config), self.sizes[tensor.segment - 1]
        if not 0 <= tensor.offset <= end <= size:
            raise ImageError(
                f"tensor {tensor.name} is in bytes {tensor.offset} to {end} of segment {tensor.segment}, "
                f"which has {size}"
            )

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(C, H, W) of the image that the network reads."""
        source = self.mapping or self.input
        return source.channels, source.height, source.width

    def input_bytes(self, x: np.ndarray) -> np.ndarray:
        """Contents of the input tensor for an image int8[C, H, W].

        Raises
        ------
        LayerError : the image has another type or shape.
        """
        if x.dtype != np.int8 or x.shape != self.image_shape:
            raise LayerError(
                f"the image is {x.dtype} of shape {x.shape}, expected int8 of {self.image_shape}"
            )
        return self.input.pack(self.mapping.apply(x) if self.mapping else x, self.config)

    @property
    def program(self) -> bytes:
        """The commands."""
        return self.contents[: self.commands * COMMAND_BYTES]

    def to_bytes(self) -> bytes:
        """The file."""
        values = asdict(self)
        text = json.dumps({name: values[name] for name in _described()}).encode()
        text += b" " * (-len(text) % COMMAND_BYTES)
        header = MAGIC, IMAGE_VERSION, self.commands, len(text), len(self.contents)
        checksum = _checksum(HEADER.pack(*header, 0) + text + self.contents)
        return HEADER.pack(*header, checksum) + text + self.contents

    @classmethod
    def from_bytes(cls, data: bytes) -> "ProgramImage":
        """Read a file.

        Raises
        ------
        ImageError : says what is wrong with it.
        """
        if len(data) < HEADER.size:
            raise ImageError(f"program image has {len(data)} bytes, expected at least {HEADER.size}")
        magic, version, commands, text_length, length, checksum = HEADER.unpack(data[: HEADER.size])
        if magic != MAGIC:
            raise ImageError(f"program image begins with {magic!r}, expected {MAGIC!r}")
        if version != IMAGE_VERSION:
            raise ImageError(f"program image has version {version}, expected {IMAGE_VERSION}")
        expected = HEADER.size + text_length + length
        if len(data) != expected:
            raise ImageError(f"program image has {len(data)} bytes, expected {expected}")
        text, contents = data[HEADER.size : -length or None], data[len(data) - length :]
        found = _checksum(data)
        if found != checksum:
            raise ImageError(f"program image has checksum {found:08x}, expected {checksum:08x}")
        try:
            described = entries_from_json(_described(), parse_json(text), "image")
        except ValueError as error:
            raise ImageError(f"program image has a damaged description: {error}") from error
        return cls(contents=contents, commands=commands, **described)


def _described() -> dict[str, Any]:
    """Names and types of what an image's JSON description has: everything that is not in the binary parts."""
    return {field.name: field.type for field in fields(ProgramImage) if field.name not in _BINARY}


def _checksum(data: bytes) -> int:
    """CRC-32 of a file, whatever stands in the place of its checksum."""
    before = zlib.crc32(bytes(4), zlib.crc32(data[: _CHECKSUM.start]))
    return zlib.crc32(data[_CHECKSUM.stop :], before)


def read_image(path: Path) -> ProgramImage:
    """Read a program image.

    Raises
    ------
    ImageError : the file is damaged; OSError : it cannot be read.
    """
    try:
        return ProgramImage.from_bytes(path.read_bytes())
    except ImageError as error:
        raise ImageError(f"{path}: {error}") from error

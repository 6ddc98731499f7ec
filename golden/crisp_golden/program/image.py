"""Program images: everything that the accelerator needs for one network, in one file with a checksum.

Layout: a header of 64 bytes, the JSON description, padding, the commands, the parameters. Commands and
parameters together are the contents of address window 0. All numbers are little-endian. The checksum is the
CRC-32 of the whole file, with 0 in its own place.
"""

import json
import struct
import zlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from crisp_golden.config import CoreConfig
from crisp_golden.errors import CrispError
from crisp_golden.program.commands import COMMAND_BYTES
from crisp_golden.program.input_mapping import InputMapping
from crisp_golden.program.registers import VERSION

MAGIC = b"CRISPRG1"
_HEADER = struct.Struct("<8sIIQQI28x")
_CHECKSUM = slice(32, 36)
"""Its place in the header."""


class ImageError(CrispError):
    """A program image is damaged, of another version, or for another configuration."""


@dataclass(frozen=True, kw_only=True)
class TensorInfo:
    """A tensor in external memory: int8[planes, height, width, window], pixel by pixel.

    Attributes
    ----------
    window : number of its address window; offset : of its first byte there.
    """

    name: str
    window: int
    offset: int
    channels: int
    height: int
    width: int

    def planes(self, config: CoreConfig) -> int:
        """Windows of channels."""
        return -(-self.channels // config.window)

    def size(self, config: CoreConfig) -> int:
        """Bytes."""
        return self.planes(config) * self.height * self.width * config.window

    def pack(self, x: np.ndarray, config: CoreConfig) -> np.ndarray:
        """The bytes uint8[size] of ``x`` int8[channels, height, width]."""
        planes = self.planes(config)
        padded = np.pad(x, ((0, planes * config.window - len(x)), (0, 0), (0, 0)))
        words = padded.reshape(planes, config.window, *x.shape[1:]).transpose(0, 2, 3, 1)
        return np.ascontiguousarray(words).view(np.uint8).ravel()

    def unpack(self, data: np.ndarray, config: CoreConfig) -> np.ndarray:
        """Inverse of ``pack``: int8[channels, height, width]."""
        planes = self.planes(config)
        words = data.view(np.int8).reshape(planes, self.height, self.width, config.window)
        return words.transpose(0, 3, 1, 2).reshape(-1, self.height, self.width)[: self.channels]


@dataclass(frozen=True, kw_only=True)
class ProgramImage:
    """A compiled network.

    Attributes
    ----------
    config : the configuration that it runs on.
    contents : bytes of address window 0: ``commands`` commands, then parameters.
    sizes : bytes of the other address windows: input, output, scratch.
    mapping : how an image becomes the input tensor; None if it is the input tensor.
    input, output : the network's tensors; ``kept`` are others that the program stores.
    spans : (name of the stage, first command, one past the last) of everything that computes, in order.
    description : what else the compiler wants to say: groups, input mapping, classes.
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

    def input_bytes(self, x: np.ndarray) -> np.ndarray:
        """Contents of the input tensor for an image int8[C, H, W]."""
        return self.input.pack(self.mapping.apply(x) if self.mapping else x, self.config)

    @property
    def program(self) -> bytes:
        """The commands."""
        return self.contents[: self.commands * COMMAND_BYTES]

    def to_bytes(self) -> bytes:
        """The file."""
        text = json.dumps(
            {
                "config": asdict(self.config),
                "sizes": self.sizes,
                "mapping": asdict(self.mapping) if self.mapping else None,
                "input": asdict(self.input),
                "output": asdict(self.output),
                "kept": [asdict(tensor) for tensor in self.kept],
                "spans": self.spans,
                "description": self.description,
            }
        ).encode()
        text += b" " * (-len(text) % COMMAND_BYTES)
        fields = MAGIC, VERSION, self.commands, len(text), len(self.contents)
        checksum = _checksum(_HEADER.pack(*fields, 0) + text + self.contents)
        return _HEADER.pack(*fields, checksum) + text + self.contents

    @classmethod
    def from_bytes(cls, data: bytes) -> "ProgramImage":
        """Read a file.

        Raises
        ------
        ImageError : says what is wrong with it.
        """
        if len(data) < _HEADER.size:
            raise ImageError(f"program image has {len(data)} bytes, expected at least {_HEADER.size}")
        magic, version, commands, described, length, checksum = _HEADER.unpack(data[: _HEADER.size])
        if magic != MAGIC:
            raise ImageError(f"program image begins with {magic!r}, expected {MAGIC!r}")
        if version != VERSION:
            raise ImageError(f"program image has version {version}, expected {VERSION}")
        expected = _HEADER.size + described + length
        if len(data) != expected:
            raise ImageError(f"program image has {len(data)} bytes, expected {expected}")
        text, contents = data[_HEADER.size : -length or None], data[len(data) - length :]
        found = _checksum(data)
        if found != checksum:
            raise ImageError(f"program image has checksum {found:08x}, expected {checksum:08x}")
        fields = json.loads(text)
        return cls(
            config=CoreConfig(**fields["config"]),
            contents=contents,
            commands=commands,
            sizes=tuple(fields["sizes"]),
            mapping=_mapping(fields["mapping"]),
            input=TensorInfo(**fields["input"]),
            output=TensorInfo(**fields["output"]),
            kept=tuple(TensorInfo(**tensor) for tensor in fields["kept"]),
            spans=tuple(tuple(span) for span in fields["spans"]),
            description=fields["description"],
        )


def _checksum(data: bytes) -> int:
    """CRC-32 of a file, whatever stands in the place of its checksum."""
    before = zlib.crc32(bytes(4), zlib.crc32(data[: _CHECKSUM.start]))
    return zlib.crc32(data[_CHECKSUM.stop :], before)


def _mapping(fields: dict[str, Any] | None) -> InputMapping | None:
    if fields is None:
        return None
    pairs = {name: tuple(fields[name]) for name in ("kernel", "padding", "patches")}
    return InputMapping(**{**fields, **pairs})


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

"""The IDX format of the MNIST family: a big-endian header of magic and sizes, then bytes, gzipped."""

import gzip
import math
import struct
import zlib
from pathlib import Path

import numpy as np

from crisp_files.input_files import InputFileError, open_regular
from crisp_sw.errors import DatasetError

UNSIGNED_BYTE = 0x08
CHUNK_BYTES = 1 << 20
MOST_BYTES = 1 << 30
"""Twenty times the images of the MNIST family."""


def read_idx(path: Path, *, dimensions: int, most: int = MOST_BYTES) -> np.ndarray:
    """Read a gzipped IDX file of unsigned bytes.

    Parameters
    ----------
    dimensions : that the array must have; 3 for images [N, H, W], 1 for labels [N].
    most : elements that it may have.

    Raises
    ------
    DatasetError : the file is absent, truncated, damaged, too large or not such an IDX file.
    """
    try:
        with open_regular(path) as file, gzip.open(file) as unpacked:
            shape = _read_shape(path, unpacked, dimensions, most)
            return _read_bytes(path, unpacked, math.prod(shape)).reshape(shape)
    except FileNotFoundError:
        raise DatasetError(f"{path}: no such file; expected a gzipped IDX file") from None
    except InputFileError as error:
        raise DatasetError(str(error)) from error
    except (OSError, EOFError, zlib.error) as error:
        raise DatasetError(f"{path}: damaged or truncated gzip file ({error})") from error


def _read_shape(path: Path, unpacked: gzip.GzipFile, dimensions: int, most: int) -> tuple[int, ...]:
    size = 4 + 4 * dimensions
    header = unpacked.read(size)
    if len(header) < size or header[:4] != bytes((0, 0, UNSIGNED_BYTE, dimensions)):
        raise DatasetError(f"{path}: not an IDX file of unsigned bytes with {dimensions} dimensions")
    shape = struct.unpack(f">{dimensions}I", header[4:])
    if not 1 <= math.prod(shape) <= most:
        sizes = " x ".join(map(str, shape))
        raise DatasetError(f"{path}: its header promises {sizes} bytes; expected 1 to {most}")
    return shape


def _read_bytes(path: Path, unpacked: gzip.GzipFile, expected: int) -> np.ndarray:
    """Read what the header promises, and find that gzip's checksum holds and nothing comes after it."""
    content = np.empty(expected, np.uint8)  # takes memory only where something is written
    filled = 0
    while chunk := unpacked.read(CHUNK_BYTES):
        if filled + len(chunk) > expected:
            raise DatasetError(f"{path}: more than {expected} bytes of data, which its header promises")
        content[filled : filled + len(chunk)] = np.frombuffer(chunk, np.uint8)
        filled += len(chunk)
    if filled < expected:
        raise DatasetError(f"{path}: {filled} bytes of data; its header promises {expected}")
    return content

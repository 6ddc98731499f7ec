"""The IDX format of the MNIST family: a big-endian header of magic and sizes, then bytes, gzipped."""

import gzip
import struct
import zlib
from pathlib import Path

import numpy as np

from crisp_sw.errors import DatasetError

UNSIGNED_BYTE = 0x08


def read_idx(path: Path, *, dimensions: int) -> np.ndarray:
    """Read a gzipped IDX file of unsigned bytes.

    Parameters
    ----------
    dimensions : that the array must have; 3 for images [N, H, W], 1 for labels [N].

    Raises
    ------
    DatasetError : the file is absent, truncated, damaged or not such an IDX file.
    """
    try:
        with gzip.open(path) as file:
            content = file.read()
    except FileNotFoundError:
        raise DatasetError(f"{path}: no such file; expected a gzipped IDX file") from None
    except (OSError, EOFError, zlib.error) as error:
        raise DatasetError(f"{path}: damaged or truncated gzip file ({error})") from error
    header = 4 + 4 * dimensions
    if len(content) < header or content[:4] != bytes((0, 0, UNSIGNED_BYTE, dimensions)):
        raise DatasetError(f"{path}: not an IDX file of unsigned bytes with {dimensions} dimensions")
    shape = struct.unpack(f">{dimensions}I", content[4:header])
    expected = int(np.prod(shape, dtype=np.int64))
    if len(content) - header != expected:
        raise DatasetError(f"{path}: {len(content) - header} bytes of data; its header promises {expected}")
    return np.frombuffer(content, np.uint8, offset=header).reshape(shape).copy()

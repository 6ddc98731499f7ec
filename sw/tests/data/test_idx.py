"""IDX files: what is read, and what is said about damaged ones."""

import gzip
import struct

import numpy as np
import pytest

from crisp_sw.data.idx import read_idx
from crisp_sw.errors import DatasetError

PIXELS = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
CONTENT = struct.pack(">BBBB3I", 0, 0, 8, 3, 2, 3, 4) + PIXELS.tobytes()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "images.gz"


def test_array_comes_back(path):
    path.write_bytes(gzip.compress(CONTENT))
    found = read_idx(path, dimensions=3)
    assert found.dtype == np.uint8
    assert np.array_equal(found, PIXELS)
    assert found.flags.writeable


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (gzip.compress(CONTENT)[:-9], "damaged or truncated gzip file"),
        (b"not gzip", "damaged or truncated gzip file"),
        (gzip.compress(CONTENT[:-1]), "23 bytes of data; its header promises 24"),
        (gzip.compress(CONTENT + b"x"), "25 bytes of data; its header promises 24"),
        (gzip.compress(b"\0\0\r\3" + CONTENT[4:]), "not an IDX file of unsigned bytes with 3 dimensions"),
        (gzip.compress(b""), "not an IDX file"),
    ],
    ids=["truncated", "not gzip", "a byte short", "a byte long", "other dimensions", "empty"],
)
def test_damaged_file_is_named(path, raw, message):
    path.write_bytes(raw)
    with pytest.raises(DatasetError) as caught:
        read_idx(path, dimensions=3)
    assert str(path) in str(caught.value)
    assert message in str(caught.value)


def test_flipped_bit_is_noticed(path):
    raw = bytearray(gzip.compress(CONTENT))
    raw[-6] ^= 1
    path.write_bytes(raw)
    with pytest.raises(DatasetError, match="damaged or truncated gzip file"):
        read_idx(path, dimensions=3)


def test_absent_file_is_named(path):
    with pytest.raises(DatasetError, match=r"images\.gz: no such file"):
        read_idx(path, dimensions=3)

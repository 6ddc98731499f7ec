"""IDX files: what is read, and what is said about damaged ones."""

import gzip
import os
import resource
import struct
import tracemalloc

import numpy as np
import pytest

from crisp_sw.data.files.idx import read_idx
from crisp_sw.errors import DatasetError

PIXELS = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
CONTENT = struct.pack(">BBBB3I", 0, 0, 8, 3, 2, 3, 4) + PIXELS.tobytes()


def packed(*shape, content=b""):
    return gzip.compress(struct.pack(">4B3I", 0, 0, 8, 3, *shape) + content)


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
        (gzip.compress(CONTENT + b"x"), "more than 24 bytes of data, which its header promises"),
        (gzip.compress(b"\0\0\r\3" + CONTENT[4:]), "not an IDX file of unsigned bytes with 3 dimensions"),
        (gzip.compress(b""), "not an IDX file"),
        (packed(0, 28, 28), "its header promises 0 x 28 x 28 bytes; expected 1 to 1073741824"),
        (packed(2**31, 2**31, 4), "its header promises 2147483648 x 2147483648 x 4 bytes; expected 1 to"),
    ],
    ids=[
        *("truncated", "not gzip", "a byte short", "a byte long", "other dimensions", "empty"),
        *("nothing", "product beyond 64 bits"),
    ],
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


def test_a_promise_takes_no_memory(path):
    path.write_bytes(packed(1, 2**15, 2**15, content=bytes(1000)))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(DatasetError, match="1000 bytes of data; its header promises 1073741824"):
        read_idx(path, dimensions=3)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 1 << 16  # KiB


def test_content_is_in_memory_once(path):
    path.write_bytes(packed(16, 2**10, 2**10, content=bytes(2**24)))
    tracemalloc.start()
    try:
        assert read_idx(path, dimensions=3).nbytes == 2**24
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1.5 * 2**24


def test_more_than_the_caller_wants_is_refused_unread(path):
    path.write_bytes(packed(2, 3, 4))
    with pytest.raises(DatasetError, match="its header promises 2 x 3 x 4 bytes; expected 1 to 23"):
        read_idx(path, dimensions=3, most=23)


def test_a_pipe_is_refused_without_waiting(path):
    os.mkfifo(path)
    with pytest.raises(DatasetError, match=r"images\.gz: a named pipe; expected a regular file$"):
        read_idx(path, dimensions=3)


def test_absent_file_is_named(path):
    with pytest.raises(DatasetError, match=r"images\.gz: no such file"):
        read_idx(path, dimensions=3)

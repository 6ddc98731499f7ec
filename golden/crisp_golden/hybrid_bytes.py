"""The hybrid-sparse format as bytes: a header, three bit-packed sections and a checksum.

The layout is drawn in ``docs/format.md``. Reading checks everything that can be wrong with a buffer, so
that a matrix that was read can be decoded.
"""

import math
import struct
import zlib

import numpy as np

from crisp_golden.bit_packing import pack_bits, packed_size, unpack_bits
from crisp_golden.errors import PatternError
from crisp_golden.hybrid import HybridMatrix
from crisp_golden.weight_matrix import block_grid

MAGIC = b"CRSP"
VERSION = 1
# magic, version, N, M, reserved, B, K, C, kh, kw, kept blocks per block-row
HEADER = struct.Struct("<4s4BHIIHHI")
CHECKSUM = struct.Struct("<I")


def index_bits(count: int) -> int:
    """Bits of an index into ``count`` things, ``ceil(log2(count))``."""
    return (count - 1).bit_length()


def to_bytes(matrix: HybridMatrix) -> bytes:
    """Bytes of a matrix in the hybrid format."""
    _, block_columns = block_grid(matrix.shape, matrix.block)
    kept = matrix.block_index.shape[1]
    header = HEADER.pack(MAGIC, VERSION, matrix.n, matrix.m, 0, matrix.block, *matrix.shape, kept)
    body = b"".join(
        (
            header,
            pack_bits(matrix.block_index, index_bits(block_columns)),
            matrix.values.tobytes(),
            pack_bits(matrix.group_index, index_bits(matrix.m)),
        )
    )
    return body + CHECKSUM.pack(zlib.crc32(body))


def from_bytes(data: bytes) -> HybridMatrix:
    """Read a matrix in the hybrid format.

    Raises
    ------
    PatternError : the buffer is truncated, too long, of another format or version, fails its checksum,
        or holds fields or indices that no encoder writes.
    """
    n, m, block, shape, kept = _read_header(data)
    block_rows, block_columns = block_grid(shape, block)
    slots = (block_rows, kept, block, block // m, n)
    sections = (
        packed_size(block_rows * kept, index_bits(block_columns)),
        math.prod(slots),
        packed_size(math.prod(slots), index_bits(m)),
    )
    expected = HEADER.size + sum(sections) + CHECKSUM.size
    if len(data) != expected:
        raise PatternError(f"packed matrix has {len(data)} bytes, expected {expected} from its header")
    checksum = zlib.crc32(data[: -CHECKSUM.size])
    if checksum != CHECKSUM.unpack(data[-CHECKSUM.size :])[0]:
        raise PatternError(f"packed matrix is corrupt: its bytes do not have the checksum {checksum:#010x}")
    at = np.cumsum((HEADER.size, *sections))
    blocks = unpack_bits(data[at[0] : at[1]], block_rows * kept, index_bits(block_columns))
    places = unpack_bits(data[at[2] : at[3]], math.prod(slots), index_bits(m))
    matrix = HybridMatrix(
        n=n,
        m=m,
        block=block,
        shape=shape,
        block_index=blocks.reshape(block_rows, kept).astype(np.int32),
        values=np.frombuffer(data[at[1] : at[2]], np.int8).reshape(slots).copy(),
        group_index=places.reshape(slots).astype(np.uint8),
    )
    _check_indices(matrix, block_columns)
    return matrix


def _read_header(data: bytes) -> tuple[int, int, int, tuple[int, int, int, int], int]:
    if len(data) < HEADER.size:
        raise PatternError(f"packed matrix has {len(data)} bytes, expected a header of {HEADER.size}")
    magic, version, n, m, _, block, channels, inputs, kh, kw, kept = HEADER.unpack_from(data)
    if magic != MAGIC:
        raise PatternError(f"packed matrix starts with {magic!r}, expected {MAGIC!r}")
    if version != VERSION:
        raise PatternError(f"packed matrix has version {version}, expected {VERSION}")
    if not 1 <= n <= m or block < 1 or block % m:
        raise PatternError(
            f"packed matrix has N:M = {n}:{m} and B = {block}, expected 1 <= N <= M and B a multiple of M"
        )
    shape = (channels, inputs, kh, kw)
    if min(shape) < 1 or kept > block_grid(shape, block)[1]:
        raise PatternError(
            f"packed matrix has shape {shape} with {kept} kept blocks per block-row of {block}, "
            f"expected sizes of at least 1 and no more blocks than there are"
        )
    return n, m, block, shape, kept


def _check_indices(matrix: HybridMatrix, block_columns: int) -> None:
    """Refuse indices out of range or out of order, and anything but zeros behind a slot left over."""
    blocks = matrix.block_index
    if blocks.size and (blocks.max() >= block_columns or (np.diff(blocks, axis=1) <= 0).any()):
        raise PatternError(f"packed matrix has block indices that do not ascend below {block_columns}")
    used, places = matrix.values != 0, matrix.group_index.astype(np.int16)
    ascending = np.where(used, places, matrix.m + np.arange(matrix.n))
    in_order = (np.diff(ascending, axis=-1) > 0).all() and (places < matrix.m).all()
    if not in_order or places[~used].any():
        raise PatternError(f"packed matrix has group indices that do not ascend below {matrix.m}")

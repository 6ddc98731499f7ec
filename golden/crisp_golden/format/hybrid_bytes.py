"""The hybrid-sparse format as bytes: a header, three bit-packed sections and a checksum.

The layout is drawn in ``docs/format.md``. Reading checks everything that can be wrong with a buffer, so
that a matrix that was read can be decoded.
"""

import math
import struct
import zlib
from dataclasses import dataclass

import numpy as np

from crisp_golden.format.bit_packing import pack_bits, packed_size, unpack_bits
from crisp_golden.format.hybrid import HybridMatrix
from crisp_golden.format.weight_matrix import block_grid, require_bounded
from crisp_spec.errors import PatternError

MAGIC = b"CRSP"
VERSION = 1
# magic, version, N, M, reserved, B, K, C, kh, kw, kept blocks per block-row
HEADER = struct.Struct("<4s4BIIIHHI")
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
        holds fields or indices that no encoder writes, or stands for more weights than are decoded.
    """
    header = _read_header(data)
    block_data, values, place_data = _split_sections(data, header)
    require_bounded(header.shape, header.block)
    matrix = HybridMatrix(
        n=header.n,
        m=header.m,
        block=header.block,
        shape=header.shape,
        block_index=unpack_bits(block_data, math.prod(header.kept), header.block_bits)
        .reshape(header.kept)
        .astype(np.int32),
        values=np.frombuffer(values, np.int8).reshape(header.slots).copy(),
        group_index=unpack_bits(place_data, math.prod(header.slots), index_bits(header.m))
        .reshape(header.slots)
        .astype(np.uint8),
    )
    _check_indices(matrix)
    return matrix


@dataclass(frozen=True, kw_only=True)
class _Header:
    """What the header says, and the sizes that follow from it."""

    n: int
    m: int
    block: int
    shape: tuple[int, int, int, int]
    kept_per_row: int

    @property
    def kept(self) -> tuple[int, int]:
        return block_grid(self.shape, self.block)[0], self.kept_per_row

    @property
    def slots(self) -> tuple[int, int, int, int, int]:
        return (*self.kept, self.block, self.block // self.m, self.n)

    @property
    def block_bits(self) -> int:
        return index_bits(block_grid(self.shape, self.block)[1])


def _read_header(data: bytes) -> _Header:
    if len(data) < HEADER.size:
        raise PatternError(f"packed matrix has {len(data)} bytes, expected a header of {HEADER.size}")
    magic, version, n, m, reserved, block, channels, inputs, kh, kw, kept = HEADER.unpack_from(data)
    if magic != MAGIC:
        raise PatternError(f"packed matrix starts with {magic!r}, expected {MAGIC!r}")
    if version != VERSION:
        raise PatternError(f"packed matrix has version {version}, expected {VERSION}")
    if reserved != 0:
        raise PatternError(f"packed matrix has a reserved field of {reserved}, expected 0")
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
    return _Header(n=n, m=m, block=block, shape=shape, kept_per_row=kept)


def _split_sections(data: bytes, header: _Header) -> tuple[bytes, bytes, bytes]:
    slots = math.prod(header.slots)
    blocks = HEADER.size
    values = blocks + packed_size(math.prod(header.kept), header.block_bits)
    places = values + slots
    end = places + packed_size(slots, index_bits(header.m))
    if len(data) != end + CHECKSUM.size:
        raise PatternError(
            f"packed matrix has {len(data)} bytes, expected {end + CHECKSUM.size} from its header"
        )
    if CHECKSUM.pack(zlib.crc32(data[:end])) != data[end:]:
        raise PatternError(f"packed matrix is corrupt: its checksum is not {zlib.crc32(data[:end]):#010x}")
    return data[blocks:values], data[values:places], data[places:end]


def _in_padding(matrix: HybridMatrix) -> np.ndarray:
    """Which slots stand for weights beyond the last output or input channel, as `HybridMatrix.values`."""
    block_rows, kept = matrix.block_index.shape
    channels, inputs, _, _ = matrix.shape
    row = np.arange(block_rows * matrix.block).reshape(block_rows, 1, matrix.block, 1, 1)
    blocks_per_tap = -(-inputs // matrix.block)
    first = (matrix.block_index % blocks_per_tap * matrix.block).reshape(block_rows, kept, 1, 1, 1)
    group = np.arange(matrix.block // matrix.m).reshape(-1, 1) * matrix.m
    return (row >= channels) | (first + group + matrix.group_index >= inputs)


def _check_indices(matrix: HybridMatrix) -> None:
    """Refuse indices out of range or order, places behind slots left over, and weights in the padding."""
    block_columns = block_grid(matrix.shape, matrix.block)[1]
    blocks = matrix.block_index
    if (blocks >= block_columns).any() or (np.diff(blocks, axis=1) <= 0).any():
        raise PatternError(f"packed matrix has block indices that do not ascend below {block_columns}")
    used, places = matrix.values != 0, matrix.group_index.astype(np.int16)
    ranks = np.where(used, places, matrix.m + np.arange(matrix.n))
    if (np.diff(ranks, axis=-1) <= 0).any() or (places >= matrix.m).any() or places[~used].any():
        raise PatternError(f"packed matrix has group indices that do not ascend below {matrix.m}")
    if (used & _in_padding(matrix)).any():
        raise PatternError("packed matrix has weights in the padding of its blocks, expected zeros")

"""The hybrid format as bytes: round trips, and each kind of bad buffer by its message."""

import zlib
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crisp_golden.arithmetic.network import Pattern
from crisp_golden.format.hybrid import HybridMatrix, decode, encode
from crisp_golden.format.hybrid_bytes import CHECKSUM, HEADER, from_bytes, to_bytes
from crisp_golden.stimuli.random_conv import random_sparse_weight
from crisp_spec.errors import PatternError
from golden.tests.strategies import sparse_weights


def example() -> HybridMatrix:
    return encode(*random_sparse_weight(np.random.default_rng(0), (6, 8, 3, 3), 2, 4, 4, 5))


def with_checksum(body: bytes) -> bytes:
    return body + CHECKSUM.pack(zlib.crc32(body))


def with_header_byte(offset: int, value: int) -> bytes:
    body = bytearray(to_bytes(example())[: -CHECKSUM.size])
    body[offset] = value
    return with_checksum(bytes(body))


@given(sparse_weights())
def test_round_trip(case: tuple[np.ndarray, Pattern]):
    weight, pattern = case
    matrix = encode(weight, pattern)
    data = to_bytes(matrix)
    again = from_bytes(data)
    assert (again.n, again.m, again.block, again.shape) == (matrix.n, matrix.m, matrix.block, weight.shape)
    for name in ("block_index", "values", "group_index"):
        was, now = getattr(matrix, name), getattr(again, name)
        assert was.dtype == now.dtype
        assert np.array_equal(was, now)
    assert np.array_equal(decode(again), weight)
    assert to_bytes(again) == data


@given(st.data())
def test_any_truncation_is_refused(data: st.DataObject):
    packed = to_bytes(example())
    length = data.draw(st.integers(0, len(packed) - 1))
    with pytest.raises(PatternError, match=f"packed matrix has {length} bytes, expected"):
        from_bytes(packed[:length])


@given(st.data())
def test_any_flipped_bit_is_refused(data: st.DataObject):
    packed = bytearray(to_bytes(example()))
    position = data.draw(st.integers(0, len(packed) * 8 - 1))
    packed[position // 8] ^= 1 << position % 8
    with pytest.raises(PatternError, match="packed matrix"):
        from_bytes(bytes(packed))


def test_trailing_bytes_are_refused():
    packed = to_bytes(example())
    message = f"packed matrix has {len(packed) + 1} bytes, expected {len(packed)} from its header"
    with pytest.raises(PatternError, match=message):
        from_bytes(packed + b"\0")


@pytest.mark.parametrize(
    ("offset", "value", "message"),
    [
        (0, ord("X"), "starts with b'XRSP', expected b'CRSP'"),
        (4, 9, "has version 9, expected 1"),
        (5, 5, "has N:M = 5:4 and B = 4"),
        (5, 0, "has N:M = 0:4 and B = 4"),
        (7, 1, "has a reserved field of 1, expected 0"),
        (8, 6, "has N:M = 2:4 and B = 6"),
        (12, 0, "has shape (0, 8, 3, 3) with 5 kept blocks"),
        (24, 200, "has shape (6, 8, 3, 3) with 200 kept blocks"),
    ],
)
def test_impossible_headers(offset: int, value: int, message: str):
    with pytest.raises(PatternError) as caught:
        from_bytes(with_header_byte(offset, value))
    assert f"packed matrix {message}" in str(caught.value)


def test_damaged_contents_fail_the_checksum():
    packed = bytearray(to_bytes(example()))
    packed[HEADER.size + 20] ^= 0xFF
    with pytest.raises(PatternError, match="packed matrix is corrupt: its checksum is not 0x"):
        from_bytes(bytes(packed))


def assert_refused(broken: HybridMatrix, message: str) -> None:
    """Although its header and checksum are right."""
    with pytest.raises(PatternError, match=f"packed matrix has {message}"):
        from_bytes(to_bytes(broken))


def test_block_indices_that_no_encoder_writes():
    matrix = example()
    message = "block indices that do not ascend below 18"
    assert_refused(replace(matrix, block_index=matrix.block_index[:, ::-1]), message)
    assert_refused(replace(matrix, block_index=matrix.block_index + 31 - matrix.block_index.max()), message)


def test_group_indices_that_no_encoder_writes():
    weight = np.zeros((3, 3, 1, 1), np.int8)
    weight[0, 1:, 0, 0] = 1
    matrix = encode(weight, Pattern(n=2, m=3, block=3, block_mask=np.ones((1, 1), bool)))
    message = "group indices that do not ascend below 3"
    assert matrix.group_index.reshape(3, 2).tolist() == [[1, 2], [0, 0], [0, 0]]
    for places in ([2, 1], [1, 1], [1, 3]):
        group_index = matrix.group_index.copy()
        group_index[0, 0, 0, 0] = places
        assert_refused(replace(matrix, group_index=group_index), message)
    gap_first, place_of_nothing = matrix.values.copy(), matrix.group_index.copy()
    gap_first[0, 0, 0, 0] = 0, 1
    assert_refused(replace(matrix, values=gap_first), message)
    place_of_nothing[0, 0, 2, 0] = 0, 1
    assert_refused(replace(matrix, group_index=place_of_nothing), message)


def test_weights_in_the_padding():
    matrix = encode(
        np.ones((3, 3, 1, 1), np.int8), Pattern(n=4, m=4, block=4, block_mask=np.ones((1, 1), bool))
    )
    values = matrix.values.copy()
    values[0, 0, 3, 0, 0] = 1
    assert_refused(replace(matrix, values=values), "weights in the padding of its blocks, expected zeros")


def test_weights_behind_the_last_input_channel():
    matrix = encode(
        np.ones((4, 3, 1, 2), np.int8), Pattern(n=4, m=4, block=4, block_mask=np.ones((1, 2), bool))
    )
    values, places = matrix.values.copy(), matrix.group_index.copy()
    values[0, 1, 0, 0, 3], places[0, 1, 0, 0, 3] = 1, 3
    assert_refused(
        replace(matrix, values=values, group_index=places),
        "weights in the padding of its blocks, expected zeros",
    )


@pytest.mark.parametrize(
    ("block", "shape", "message"),
    [
        (16, (60_000, 60_000, 1, 1), "are 3,600,000,000 with their padding, expected at most 268,435,456"),
        (1 << 31, (1, 1, 1, 1), "in blocks of 2147483648 are 4,611,686,018,427,387,904 with their padding"),
        (4, (1, 1, 65_535, 65_535), "are 68,717,379,600 with their padding"),
        (4, (1 << 31, 1 << 31, 1, 1), "expected at most 268,435,456"),
    ],
)
def test_matrices_that_hold_nothing_but_need_gigabytes(block: int, shape: tuple[int, ...], message: str):
    header = HEADER.pack(b"CRSP", 1, 1, 4, 0, block, *shape, 0)
    with pytest.raises(PatternError) as caught:
        from_bytes(with_checksum(header))
    assert message in str(caught.value)

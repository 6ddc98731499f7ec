"""Integers of any width as bits: round trips, order and sizes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crisp_golden.format.bit_packing import pack_bits, packed_size, unpack_bits


@given(st.integers(0, 32), st.lists(st.integers(0, (1 << 32) - 1), max_size=40))
def test_round_trip(bits: int, values: list[int]):
    array = np.array([value & ((1 << bits) - 1) for value in values], np.int64)
    data = pack_bits(array, bits)
    assert len(data) == packed_size(len(values), bits)
    assert np.array_equal(unpack_bits(data, len(values), bits), array)


@pytest.mark.parametrize(
    ("values", "bits", "data"),
    [([1, 2, 3], 2, "39"), ([1] * 9, 1, "ff01"), ([0x123, 0x456], 12, "236145"), ([5, 5], 0, "")],
)
def test_least_significant_bit_comes_first(values: list[int], bits: int, data: str):
    assert pack_bits(np.array(values), bits).hex() == data

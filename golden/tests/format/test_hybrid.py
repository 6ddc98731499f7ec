"""The hybrid format in memory: round trips and its canonical order."""

import numpy as np
import pytest
from hypothesis import given

from crisp_golden.arithmetic.network import Pattern
from crisp_golden.format.hybrid import decode, encode
from crisp_golden.format.hybrid_bytes import to_bytes
from crisp_golden.format.weight_matrix import expand_groups
from crisp_golden.stimuli.random_conv import random_int8
from crisp_spec.errors import PatternError
from golden.tests.strategies import sparse_weights


@given(sparse_weights())
def test_round_trip(case: tuple[np.ndarray, Pattern]):
    weight, pattern = case
    matrix = encode(weight, pattern)
    result = decode(matrix)
    assert result.dtype == np.int8
    assert np.array_equal(result, weight)
    again = matrix.pattern
    assert (again.n, again.m, again.block) == (pattern.n, pattern.m, pattern.block)
    assert np.array_equal(again.block_mask, pattern.block_mask)


def test_worked_example_of_the_format_document():
    """W of docs/format.md: K = 4, C = 8, 1 x 1, B = 4, 2:4, one kept block."""
    weight = np.zeros((4, 8, 1, 1), np.int8)
    weight[0, 4:, 0, 0] = [0, 7, 0, -1]
    weight[1, 4:, 0, 0] = [3, 0, 0, 0]
    weight[3, 4:, 0, 0] = [0, 0, 5, 6]
    matrix = encode(weight, Pattern(n=2, m=4, block=4, block_mask=np.array([[False, True]])))
    assert matrix.block_index.tolist() == [[1]]
    assert matrix.values.reshape(4, 2).tolist() == [[7, -1], [3, 0], [0, 0], [5, 6]]
    assert matrix.group_index.reshape(4, 2).tolist() == [[1, 3], [0, 0], [0, 0], [2, 3]]
    header = "43525350 01020400 04000000 04000000 08000000 01000100 01000000"
    sections = "01 07ff030000000506 0de0 c25fafc6"
    assert to_bytes(matrix) == bytes.fromhex(header + sections)


def test_dense_and_depthwise_layers_are_cases_of_the_format():
    rng = np.random.default_rng(0)
    dense = random_int8(rng, 9, 5, 3, 3)
    everything = Pattern(n=4, m=4, block=4, block_mask=np.ones((3, 18), bool))
    assert np.array_equal(decode(encode(dense, everything)), dense)
    depthwise = expand_groups(random_int8(rng, 20, 1, 3, 3), 20)
    diagonal = Pattern(n=1, m=4, block=8, block_mask=np.tile(np.eye(3, dtype=bool), 9))
    matrix = encode(depthwise, diagonal)
    assert matrix.block_index.shape == (3, 9)
    assert np.array_equal(decode(matrix), depthwise)


def test_weights_without_the_pattern_are_refused():
    pattern = Pattern(n=1, m=4, block=4, block_mask=np.ones((1, 1), bool))
    with pytest.raises(PatternError, match="4 non-zeros in the group of 4, expected at most 1"):
        encode(np.ones((4, 4, 1, 1), np.int8), pattern)

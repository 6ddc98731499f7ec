"""The structure checker: it accepts what has the pattern, and names the first place that has not."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crisp_golden.arithmetic.network import Pattern
from crisp_golden.format.pattern import check_layer_structure, check_structure, find_violation
from crisp_golden.format.weight_matrix import weight_matrix
from crisp_golden.stimuli.random_conv import random_conv, random_sparse_weight
from crisp_spec.errors import PatternError
from golden.tests.strategies import sparse_weights


def example() -> tuple[np.ndarray, Pattern]:
    """K = 12, C = 10, 3 x 3, padded to 2 x 18 blocks of 8, of which 5 are kept, 2:4."""
    return random_sparse_weight(np.random.default_rng(0), (12, 10, 3, 3), 2, 4, 8, 5)


@given(sparse_weights())
def test_weights_with_the_pattern_pass(case: tuple[np.ndarray, Pattern]):
    weight, pattern = case
    assert find_violation(weight, pattern) is None
    check_structure(weight, pattern)


@given(sparse_weights(), st.data())
def test_first_violation_is_what_a_plain_search_finds(case: tuple[np.ndarray, Pattern], data: st.DataObject):
    weight, pattern = case
    for _ in range(data.draw(st.integers(1, 5))):
        weight[tuple(data.draw(st.integers(0, size - 1)) for size in weight.shape)] = 1
    violation = find_violation(weight, pattern)
    expected = plain_search(weight, pattern)
    if violation is None:
        assert expected is None
    else:
        assert (violation.rule, violation.row, violation.tap, violation.channel) == expected


def plain_search(weight: np.ndarray, pattern: Pattern) -> tuple[str, int, int, int] | None:
    """Rule, row, tap and channel of the first violation, group by group."""
    matrix = weight_matrix(weight, pattern.block)
    inputs = matrix.shape[1] // (weight.shape[2] * weight.shape[3])
    for row, first in np.ndindex(len(matrix), matrix.shape[1] // pattern.m):
        column = first * pattern.m
        places = np.flatnonzero(matrix[row, column : column + pattern.m])
        kept = pattern.block_mask[row // pattern.block, column // pattern.block]
        if len(places) and not kept:
            return "pruned block", row, *divmod(column + int(places[0]), inputs)
        if len(places) > pattern.n:
            return "n of m", row, *divmod(column, inputs)
    return None


def test_messages_name_place_and_expectation():
    weight, pattern = example()
    dropped = int(np.flatnonzero(~pattern.block_mask[1])[0])
    tap, channel_block = divmod(dropped, 2)
    weight[9, channel_block * 8 + 1, tap // 3, tap % 3] = 5
    place = f"output channel 9, tap {tap}, input channel {channel_block * 8 + 1}"
    with pytest.raises(PatternError) as caught:
        check_structure(weight, pattern, "conv1")
    assert str(caught.value) == f"conv1: {place}: expected zero, block (1, {dropped}) is pruned"


def test_message_of_a_crowded_group():
    weight = np.zeros((4, 8, 1, 2), np.int8)
    weight[2, 4:7, 0, 1] = 1
    pattern = Pattern(n=2, m=4, block=4, block_mask=np.ones((1, 4), bool))
    with pytest.raises(PatternError) as caught:
        check_structure(weight, pattern)
    place = "weight: output channel 2, tap 1, input channel 4"
    assert str(caught.value) == f"{place}: 3 non-zeros in the group of 4, expected at most 2"


def test_mask_of_another_shape_or_type():
    weight, pattern = example()
    for mask in (pattern.block_mask[:, :-1], pattern.block_mask.astype(np.uint8)):
        violation = find_violation(weight, replace(pattern, block_mask=mask))
        assert violation is not None
        assert (violation.rule, violation.row) == ("mask shape", None)
        expected = f"block_mask must be bool of shape (2, 18), not {mask.dtype} of shape {mask.shape}"
        assert violation.message == expected


def test_unequal_block_rows():
    weight, pattern = example()
    mask = pattern.block_mask.copy()
    mask[1] = True
    violation = find_violation(weight, replace(pattern, block_mask=mask))
    assert violation is not None
    assert (violation.rule, violation.row) == ("equal block rows", 1)
    assert violation.message == "block-row 1 keeps 18 blocks, expected 5 as in block-row 0"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"n": 0}, "n must be from 1 to m = 4, not 0"),
        ({"n": 5}, "n must be from 1 to m = 4, not 5"),
        ({"m": 0}, "n must be from 1 to m = 0, not 2"),
        ({"block": 6}, "block must be a positive multiple of m = 4, not 6"),
        ({"block": 0}, "block must be a positive multiple of m = 4, not 0"),
    ],
)
def test_parameters_that_make_no_sense(fields: dict[str, int], message: str):
    weight, pattern = example()
    with pytest.raises(PatternError) as caught:
        find_violation(weight, replace(pattern, **fields))
    assert str(caught.value) == message


def test_grouped_layers_are_checked_as_block_diagonal():
    mask = np.tile(np.eye(2, dtype=bool), 9)  # of each tap, the diagonal
    pattern = Pattern(n=1, m=4, block=8, block_mask=mask)
    layer = random_conv(np.random.default_rng(0), (16, 1, 3, 3), name="dw", groups=16, pattern=pattern)
    check_layer_structure(layer)
    check_layer_structure(replace(layer, pattern=None))
    pruned = replace(pattern, block_mask=np.roll(mask, 1, axis=1))
    with pytest.raises(PatternError, match="dw: output channel 0, tap 0, input channel 0: expected zero"):
        check_layer_structure(replace(layer, pattern=pruned, weight=np.ones((16, 1, 3, 3), np.int8)))

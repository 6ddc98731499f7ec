"""Sizes of all formats, by hand for one matrix and against the packed bytes for random ones."""

import math

import numpy as np
import pytest
from hypothesis import given

from crisp_golden.arithmetic.network import Pattern
from crisp_golden.format.hybrid import encode
from crisp_golden.format.hybrid_bytes import CHECKSUM, HEADER, to_bytes
from crisp_golden.format.sizes import size_report
from crisp_golden.stimuli.random_conv import random_sparse_weight
from crisp_spec.errors import PatternError
from golden.tests.strategies import sparse_weights


def test_sizes_by_hand():
    """K = 32, C = 64, 3 x 3, B = 16, 1:4, 9 of 36 blocks: R = 576, 18 blocks, 1152 slots."""
    weight, pattern = random_sparse_weight(np.random.default_rng(0), (32, 64, 3, 3), 1, 4, 16, 9)
    nonzeros = int(np.count_nonzero(weight))
    fullest = int(np.count_nonzero(weight.reshape(32, -1), axis=1).max())
    assert size_report(weight, pattern) == {
        "dense": 32 * 576,
        "hybrid": 1152 + 302,
        "hybrid_values": 1152,
        "hybrid_metadata": math.ceil((1152 * 2 + 18 * 6) / 8),
        "csr": math.ceil((nonzeros * (8 + 10) + 33 * 11) / 8),
        "ellpack": 32 * fullest * 18 // 8,
        "bitmap": nonzeros + 32 * 576 // 8,
        "block_ell": math.ceil(18 * (256 * 8 + 6) / 8),
    }


@pytest.mark.parametrize(
    ("n", "hybrid", "metadata", "block_ell"), [(2, 25740, 5260, 41100), (1, 12940, 2700, 41100)]
)
def test_sizes_in_the_format_document(n: int, hybrid: int, metadata: int, block_ell: int):
    """Those of docs/format.md that the pattern alone decides."""
    report = size_report(*random_sparse_weight(np.random.default_rng(0), (128, 128, 3, 3), n, 4, 16, 20))
    assert report["dense"] == 147456
    assert (report["hybrid"], report["hybrid_metadata"]) == (hybrid, metadata)
    assert report["block_ell"] == block_ell


@given(sparse_weights())
def test_hybrid_size_is_that_of_the_packed_sections(case: tuple[np.ndarray, Pattern]):
    weight, pattern = case
    report = size_report(weight, pattern)
    sections = len(to_bytes(encode(weight, pattern))) - HEADER.size - CHECKSUM.size
    # Each of the two index sections is filled up to a whole byte.
    assert report["hybrid"] <= sections <= report["hybrid"] + 1
    assert report["hybrid"] == report["hybrid_values"] + report["hybrid_metadata"]
    assert report["dense"] == weight.size


def test_weights_without_the_pattern_are_refused():
    pattern = Pattern(n=1, m=2, block=2, block_mask=np.zeros((1, 1), bool))
    with pytest.raises(PatternError, match=r"expected zero, block \(0, 0\) is pruned"):
        size_report(np.ones((2, 2, 1, 1), np.int8), pattern)

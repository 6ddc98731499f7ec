"""The int8 code of a tensor: zero is exact, and the levels span the range."""

import pytest
import torch

from crisp_sw.quantize.affine import Affine


@pytest.mark.parametrize(("low", "high"), [(0.0, 6.0), (-1.5, 2.0), (-4.0, 0.0), (1.0, 3.0), (-3.0, -1.0)])
def test_range_contains_zero_exactly_and_spans_the_levels(low, high):
    code = Affine.from_range(low, high)
    assert -128 <= code.zero_point <= 127
    assert code.quantize(torch.zeros(1)).item() == 0
    assert code.scale == pytest.approx((max(high, 0) - min(low, 0)) / 255)
    ends = torch.tensor([min(low, 0.0), max(high, 0.0)])
    assert (code.quantize(ends) - ends).abs().max() <= code.scale / 2 + 1e-6


def test_constant_zero_tensor_has_a_code():
    assert Affine.from_range(0.0, 0.0).quantize(torch.zeros(3)).tolist() == [0, 0, 0]

"""Rounding of scaled channel counts."""

import pytest

from crisp_sw.models.widths import scaled_width


@pytest.mark.parametrize(
    ("channels", "factor", "expected"),
    [
        (64, 1, 64),
        (64, 0.25, 16),
        (32, 0.35, 16),
        (24, 0.75, 24),
        (16, 0.35, 8),
        (64, 0.01, 8),
        (1280, 1.4, 1792),
    ],
)
def test_multiple_of_eight_that_loses_at_most_a_tenth(channels: int, factor: float, expected: int):
    assert scaled_width(channels, factor) == expected
    assert expected >= 0.9 * channels * factor

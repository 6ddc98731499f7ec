"""Numbers as people read them."""

import pytest

from crisp_sw.report.numbers import count, percent, ratio, size


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (9_999, "9,999"),
        (12_345, "12.3 k"),
        (1_234_567, "1.23 M"),
        (999_600_000, "1,000 M"),
        (4.2e9, "4.2 G"),
    ],
)
def test_count(value, text):
    assert count(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1023, "1023 B"),
        (1536, "1.5 KiB"),
        (307_456, "300 KiB"),
        (1_027_072, "1,003 KiB"),
        (3 << 20, "3 MiB"),
        (5000 << 20, "5,000 MiB"),
    ],
)
def test_size(value, text):
    assert size(value) == text


def test_percent_and_ratio():
    assert percent(0.98765) == "98.8 %"
    assert percent(0.98765, 2) == "98.77 %"
    assert ratio(13.456) == "13.5\u00d7"
    assert ratio(2) == "2\u00d7"
    assert ratio(1234.5) == "1,234\u00d7"

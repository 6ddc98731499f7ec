"""Numbers as people read them."""


def count(value: float) -> str:
    """1234567 -> "1.23 M"; below ten thousand all digits are shown."""
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if abs(value) >= max(size, 1e4):
            return f"{_three_digits(value / size)} {unit}"
    return f"{value:,.0f}"


def size(value: float) -> str:
    """Bytes in binary units: 1536 -> "1.5 KiB"."""
    for unit, factor in (("MiB", 1 << 20), ("KiB", 1 << 10)):
        if value >= factor:
            return f"{_three_digits(value / factor)} {unit}"
    return f"{value:.0f} B"


def percent(share: float, digits: int = 1) -> str:
    """0.9876 -> "98.8 %"."""
    return f"{100 * share:.{digits}f} %"


def ratio(value: float) -> str:
    """12.34 -> "12.3x" with a multiplication sign."""
    return f"{_three_digits(value)}\u00d7"


def _three_digits(value: float) -> str:
    """12.34 -> "12.3"; a thousand and more in full, which `g` would write with an exponent."""
    return f"{value:.3g}" if abs(value) < 999.5 else f"{value:,.0f}"

"""Channel counts of scaled networks."""


def scaled_width(channels: int, factor: float, divisor: int = 8) -> int:
    """``channels * factor`` rounded to a multiple of ``divisor``, but not down by more than a tenth.

    The rule of MobileNetV2's reference implementation (Sandler et al., 2018).
    """
    scaled = channels * factor
    rounded = max(divisor, int(scaled + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * scaled else rounded

"""Named choices that settings and options offer, apart from the code that knows them, which needs torch."""

from collections.abc import Sequence
from typing import Literal, get_args

Border = Literal["black", "mirror"]
"""What a shifted picture brings in, see `crisp_sw.data.augment`."""
BORDERS: tuple[str, ...] = get_args(Border)

Unreadable = Literal["refuse", "skip"]
"""What a damaged picture means, see `crisp_sw.data.sources.folder`."""
UNREADABLE: tuple[Unreadable, ...] = get_args(Unreadable)

Gradient = Literal["ste", "sr-ste", "masked"]
"""What pruned weights get, see `crisp_sw.prune.masks.masking`."""

Precision = Literal["float32", "bfloat16"]
"""Of training, see `crisp_sw.modules.mixed_precision`."""
PRECISIONS: tuple[Precision, ...] = get_args(Precision)
AUTO_PRECISION = "auto"


def listed(choices: Sequence[str]) -> str:
    """Return the choices as the help of an option lists them: ``a, b or c``."""
    *others, last = choices
    return f"{', '.join(others)} or {last}" if others else last

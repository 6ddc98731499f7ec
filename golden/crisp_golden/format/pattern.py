"""The structure checker: does a weight tensor have its hybrid-sparse pattern, and if not, where it breaks."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from crisp_golden.arithmetic.network import Pattern, QuantizedConv
from crisp_golden.format.weight_matrix import block_grid, expand_groups, require_bounded, weight_matrix
from crisp_spec.errors import PatternError

Rule = Literal["mask shape", "equal block rows", "pruned block", "n of m"]


@dataclass(frozen=True, kw_only=True)
class Violation:
    """The first place where a weight tensor breaks its pattern.

    Attributes
    ----------
    rule : ``"mask shape"``, ``"equal block rows"``, ``"pruned block"`` (a non-zero outside the kept
        blocks) or ``"n of m"`` (a group with more than N non-zeros).
    row : output channel, or block-row for ``"equal block rows"``; None for ``"mask shape"``.
    tap, channel : of the weight, or of the group's first weight; None for the rules on the mask.
    message : what was found and what was expected.
    """

    rule: Rule
    message: str
    row: int | None = None
    tap: int | None = None
    channel: int | None = None


def check_parameters(pattern: Pattern) -> None:
    """Check N, M and B.

    Raises
    ------
    PatternError : N is not from 1 to M, or B is not a positive multiple of M.
    """
    if pattern.m < 1 or not 1 <= pattern.n <= pattern.m:
        raise PatternError(f"n must be from 1 to m = {pattern.m}, not {pattern.n}")
    if pattern.block < 1 or pattern.block % pattern.m:
        raise PatternError(f"block must be a positive multiple of m = {pattern.m}, not {pattern.block}")


def find_violation(weight: np.ndarray, pattern: Pattern) -> Violation | None:
    """Name the first violation: of the mask, then of the weights in the matrix's row-major order.

    Parameters
    ----------
    weight : any dtype, [K, C, kh, kw]; of a grouped layer, first
        `crisp_golden.format.weight_matrix.expand_groups`.

    Raises
    ------
    PatternError : N, M and B themselves make no sense, or the padded matrix is too large.
    """
    check_parameters(pattern)
    require_bounded(weight.shape, pattern.block)
    return _find_mask_violation(weight.shape, pattern) or _find_weight_violation(weight, pattern)


def check_structure(weight: np.ndarray, pattern: Pattern, name: str = "weight") -> None:
    """Raise PatternError, naming the tensor and its first violation, unless it has the pattern.

    Parameters
    ----------
    weight : [K, C, kh, kw]; of a grouped layer, first `crisp_golden.format.weight_matrix.expand_groups`.
    name : how the message calls the tensor.
    """
    violation = find_violation(weight, pattern)
    if violation is not None:
        raise PatternError(f"{name}: {violation.message}")


def check_layer_structure(layer: QuantizedConv) -> None:
    """Raise PatternError, naming the layer, unless its weight has the pattern that it claims, if any."""
    if layer.pattern is not None:
        check_structure(expand_groups(layer.weight, layer.groups), layer.pattern, layer.name)


def _find_mask_violation(shape: tuple[int, int, int, int], pattern: Pattern) -> Violation | None:
    mask, expected = pattern.block_mask, block_grid(shape, pattern.block)
    if mask.shape != expected or mask.dtype != np.bool_:
        message = f"block_mask must be bool of shape {expected}, not {mask.dtype} of shape {mask.shape}"
        return Violation(rule="mask shape", message=message)
    kept = mask.sum(axis=1)
    if (kept != kept[0]).any():
        row = int(np.argmax(kept != kept[0]))
        message = f"block-row {row} keeps {kept[row]} blocks, expected {kept[0]} as in block-row 0"
        return Violation(rule="equal block rows", row=row, message=message)
    return None


def _find_weight_violation(weight: np.ndarray, pattern: Pattern) -> Violation | None:
    nonzero = weight_matrix(weight != 0, pattern.block)
    groups = nonzero.reshape(len(nonzero), -1, pattern.m)
    counts = groups.sum(axis=2, dtype=np.int32)
    kept = np.repeat(pattern.block_mask, pattern.block // pattern.m, axis=1)
    allowed = np.repeat(kept * np.int32(pattern.n), pattern.block, axis=0)
    bad = counts > allowed
    if not bad.any():
        return None
    row, group = (int(i) for i in np.unravel_index(np.argmax(bad), bad.shape))
    outside = allowed[row, group] == 0
    column = group * pattern.m + (int(groups[row, group].argmax()) if outside else 0)
    tap, channel = divmod(column, nonzero.shape[1] // (weight.shape[2] * weight.shape[3]))
    if outside:
        block = (row // pattern.block, column // pattern.block)
        rule, fault = "pruned block", f"expected zero, block {block} is pruned"
    else:
        found = f"{counts[row, group]} non-zeros in the group of {pattern.m}"
        rule, fault = "n of m", f"{found}, expected at most {pattern.n}"
    message = f"output channel {row}, tap {tap}, input channel {channel}: {fault}"
    return Violation(rule=rule, row=row, tap=tap, channel=channel, message=message)

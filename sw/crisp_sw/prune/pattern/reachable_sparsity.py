"""Targets that cannot be reached, and the nearest ones that can: a figure that works when it is asked for."""

import math
from collections.abc import Callable

from crisp_sw.prune.errors import UnreachableSparsityError

_DIGITS = 4
_ROUNDING = 1e-9
"""Keeps 1 - 0.07 from being less than 0.93."""


def require_reachable(sparsity: float, reachable: Callable[[float], float], *, why: str) -> None:
    """Refuse a target that is out of reach, and name the nearest below it.

    Floors that are shares of what uniform pruning keeps rise as the target falls, so that the sparsity which
    the floors of one target allow may be out of reach for its own.

    Parameters
    ----------
    reachable : the sparsity that can be reached when the settings ask for a given one; never falls with it.
    why : what stands in the way and what would help, for the message.

    Raises
    ------
    UnreachableSparsityError : ``reachable(sparsity)`` is less.
    """
    nearest = sparsity
    while (limit := reachable(nearest)) < nearest - _ROUNDING:
        nearest = rounded_down(limit)
    if nearest < sparsity:
        raise UnreachableSparsityError(
            f"`sparsity` {sparsity:g} cannot be reached: the nearest is {nearest:g}, {why}"
        )


def rounded_down(sparsity: float) -> float:
    """Return a sparsity as people read it, and never one that is more."""
    return math.floor((sparsity + _ROUNDING) * 10**_DIGITS) / 10**_DIGITS

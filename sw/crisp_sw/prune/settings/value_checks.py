"""Checks of single settings. Each raises a PruneError with the setting, its value and what was expected."""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import Any

from crisp_spec.errors import CrispError
from crisp_sw.prune.errors import PruneError
from crisp_sw.seeds import HIGHEST_SEED, SEED_RANGE

MOST_COUNT, LARGEST_REAL, MAX_BLOCK = 10**9, 3e38, 1024
"""Beyond any use, but not beyond int64, float32, and the memory that padding to blocks takes."""
MOST_KEPT_IN_MEMORY = 2**16
"""Beyond any use, of what takes memory before anything else bounds it."""


def require_integer(name: str, value: Any, low: int, high: int = MOST_COUNT) -> None:
    """Raise unless ``value`` is an integer from ``low`` to ``high``."""
    if not isinstance(value, int) or isinstance(value, bool) or value < low:
        raise PruneError(f"`{name}` must be an integer of at least {low}, not {value!r}")
    if value > high:
        raise PruneError(f"`{name}` must be at most {high}, not {value}")


def require_seed(name: str, value: Any) -> None:
    """Raise unless ``value`` is an integer that seeds torch's generators."""
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= HIGHEST_SEED:
        raise PruneError(f"`{name}` must be {SEED_RANGE}, not {value!r}")


def require_real(name: str, value: Any, low: float, high: float, *, open_end: bool = False) -> None:
    """Raise unless ``low <= value <= high``; with ``open_end``, ``high`` itself is out of range."""
    inside = is_number(value) and low <= value <= high and not (open_end and value == high)
    if not inside:
        bound = "below" if open_end else "to"
        raise PruneError(f"`{name}` must be from {low:g} {bound} {high:g}, not {value!r}")


def require_positive(name: str, value: Any) -> None:
    """Raise unless ``value`` is above 0 and at most `LARGEST_REAL`."""
    if not is_number(value) or not 0 < value <= LARGEST_REAL:
        raise PruneError(f"`{name}` must be a positive number up to {LARGEST_REAL:g}, not {value!r}")


def is_number(value: Any) -> bool:
    """Whether ``value`` is a real number; True and False are none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def require_flag(name: str, value: Any) -> None:
    """Raise unless ``value`` is True or False: "no" would count as true."""
    if not isinstance(value, bool):
        raise PruneError(f"`{name}` must be true or false, not {value!r}")


def as_index(name: str, value: Any) -> int:
    """Return an integer of Python, NumPy or torch as Python's; raise if it is none, as True is."""
    try:
        plain = value.item() if hasattr(value, "item") else value
    except (RuntimeError, ValueError):  # of several elements
        plain = value
    if not isinstance(plain, int) or isinstance(plain, bool):
        raise PruneError(f"`{name}` must be integers, not {value!r}")
    return plain


def require_function(name: str, value: Any) -> None:
    """Raise unless ``value`` can be called."""
    if not callable(value):
        raise PruneError(f"`{name}` must be a function, not {value!r}")


def require_text(name: str, value: Any) -> None:
    """Raise unless ``value`` is a string."""
    if not isinstance(value, str):
        raise PruneError(f"`{name}` must be a string, not {value!r}")


def require_known(
    names: Iterable[str],
    known: Sequence[str],
    *,
    what: str,
    where: str = "",
    error: type[CrispError] = PruneError,
) -> None:
    """Raise ``error`` unless all ``names`` are ``known`` ones of ``what``; the message has the nearest."""
    for name in names:
        if name not in known:
            nearest = get_close_matches(str(name), known, n=1)
            hint = f"did you mean {nearest[0]!r}?" if nearest else f"expected one of {', '.join(known)}"
            raise error(f"{where}no {what} {name!r}; {hint}")


def as_tuple(name: str, value: Any, *, of: str) -> tuple[Any, ...]:
    """Return a list as a tuple; raise if it is neither: a string would come apart into letters."""
    if not isinstance(value, list | tuple):
        raise PruneError(f"`{name}` must be a list of {of}, not {value!r}")
    return tuple(value)


def require_choice(name: str, value: Any, choices: Sequence[str]) -> None:
    """Raise unless ``value`` is one of ``choices``."""
    if value not in choices:
        raise PruneError(f"`{name}` must be one of {', '.join(choices)}, not {value!r}")


def require_names(name: str, value: Any) -> None:
    """Raise unless ``value`` is a tuple of strings."""
    if not isinstance(value, tuple) or not all(isinstance(item, str) for item in value):
        raise PruneError(f"`{name}` must be a tuple of strings, not {value!r}")


def require_pattern(n: Any, m: Any, block: Any) -> None:
    """Raise unless N is from 1 to M and the block edge a positive multiple of M."""
    require_integer("m", m, 1)
    require_integer("n", n, 1)
    if n > m:
        raise PruneError(f"`n` must be from 1 to m = {m}, not {n}")
    require_block(m, block)


def require_block(m: Any, block: Any) -> None:
    """Raise unless the block edge is a positive multiple of M."""
    require_integer("m", m, 1)
    require_integer("block", block, 1, MAX_BLOCK)
    if block % m:
        raise PruneError(f"`block` must be a multiple of m = {m}, not {block}")

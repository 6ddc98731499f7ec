"""What a format is: how a file becomes a tree of values, and how a tree becomes a file."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Format:
    """A format of files.

    Attributes
    ----------
    read : of legal files alone, which seeds are.
    write : of any tree as far as possible, with sizes and checksums that fit. What it cannot express is an
        error of any type.
    """

    read: Callable[[bytes], Any]
    write: Callable[[Any], bytes]

"""The one list of all benches; the command line and the tests run what is registered here."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cocotb_tests.errors import ToolError
from cocotb_tests.runner import Bench
from crisp_golden.config import CoreConfig


@dataclass(frozen=True, kw_only=True)
class RegisteredBench:
    """A bench that can be made for any configuration.

    Attributes
    ----------
    name : what a user selects it by.
    summary : what it proves, in one line.
    make : returns the bench for a configuration; the second argument is the folder for built files.
    """

    name: str
    summary: str
    make: Callable[[CoreConfig, Path], Bench]


BENCHES: tuple[RegisteredBench, ...] = ()


def select(pattern: str | None, benches: tuple[RegisteredBench, ...] = BENCHES) -> list[RegisteredBench]:
    """Return the benches whose name contains a match of the regular expression ``pattern``; None is all.

    Raises
    ------
    ToolError : the pattern is no regular expression, or no bench matches; the message lists those there are.
    """
    try:
        selected = [bench for bench in benches if re.search(pattern or "", bench.name)]
    except re.error as error:
        raise ToolError(f"{pattern!r} is not a regular expression: {error}") from None
    if not selected:
        names = ", ".join(bench.name for bench in benches) or "none"
        raise ToolError(f"no bench matches {pattern!r}; expected one of: {names}")
    return selected

"""A console that prints text as it is written: nothing in it is markup, or a command to the terminal."""

from typing import Any

from rich.console import Console
from rich.text import Text

from crisp_golden.printable import printable


class PlainConsole(Console):
    """Prints strings, also those in tables, by `printable`: each on one line; styles are given beside them.

    Parameters
    ----------
    options : of `rich.console.Console`.
    """

    def __init__(self, **options: Any):
        super().__init__(markup=False, emoji=False, highlight=False, **{"soft_wrap": True, **options})

    def render_str(self, text: str, **options: Any) -> Text:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Every string passes here on its way to the terminal."""
        return super().render_str(printable(text), **options)

"""A console that prints text as it is written: nothing in it is markup, or a command to the terminal."""

import errno
import os
import sys
from typing import Any

from rich.console import Console
from rich.text import Text

from crisp_files.printable import printable


class PlainConsole(Console):
    """Prints strings, also those in tables, by `printable`: each on one line; styles are given beside them.

    What cannot be written to stderr is lost and changes nothing else: results and exit statuses do not depend
    on whether anybody follows them.

    Parameters
    ----------
    options : of `rich.console.Console`.
    """

    def __init__(self, **options: Any):
        super().__init__(markup=False, emoji=False, highlight=False, **{"soft_wrap": True, **options})

    def render_str(self, text: str, **options: Any) -> Text:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Every string passes here on its way to the terminal."""
        return super().render_str(printable(text), **options)

    def print(self, *objects: Any, **options: Any) -> None:
        """Print as `rich.console.Console` does.

        Raises
        ------
        OSError : it cannot be written to another place than stderr; BrokenPipeError : nobody reads it there.
        """
        try:
            super().print(*objects, **options)
        except OSError:
            if not self.stderr:
                raise
            sys.stderr = open(os.devnull, "w")  # noqa: SIM115  (as long as the process)

    def on_broken_pipe(self) -> None:
        """Nobody reads on: to be handled where other errors of writing are."""
        raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))

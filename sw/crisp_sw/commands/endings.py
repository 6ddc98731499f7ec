"""How a command line ends: what the user can mend is one sentence on stderr, and exit status 2."""

import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import typer

from crisp_golden.errors import CrispError
from crisp_sw.commands.terminal import say_problem

USER_ERROR = 2
(UsageError,) = typer.BadParameter.__bases__
"""Of click, or of typer's own copy of it, as the version has it."""


class ArgumentError(CrispError):
    """A word of the command line cannot be used, whatever it stands for."""


def run_command_line(main: Callable[..., Any], words: Sequence[str], **options: Any) -> NoReturn:
    """Run ``main`` of a command or a group of them, and exit.

    Parameters
    ----------
    words : of the command line, without the program's name.
    options : of ``main``.
    """
    try:
        _require_unicode(words)
        status = main(args=list(words), standalone_mode=False, **options)
    except (CrispError, UsageError, OSError, MemoryError) as error:
        if message := _sentence(error):
            say_problem("error", message)
        sys.exit(USER_ERROR)
    sys.exit(status if isinstance(status, int) else 0)


def _sentence(error: Exception) -> str:
    """What to say of an error; nothing where its help has been printed instead."""
    if isinstance(error, CrispError):
        return str(error)
    if isinstance(error, UsageError):
        message = error.format_message().rstrip(".")
        return message and f"{message}; see `{error.ctx.command_path if error.ctx else 'crisp'} --help`"
    if isinstance(error, OSError):
        return f"{error.filename}: {error.strerror}" if error.filename else str(error.strerror or error)
    return f"not enough memory ({error})" if str(error) else "not enough memory"


def _require_unicode(words: Sequence[str]) -> None:
    """Results hold the command line and names from it as UTF-8, and so must it be."""
    for word in words:
        try:
            word.encode()
        except UnicodeEncodeError as error:
            raise ArgumentError(f"{word!a} is not UTF-8; expected names and values in UTF-8") from error

"""How a command line ends: what is wrong is said on stderr, and the exit status tells by whom it is mended.

What the user can mend ends with status 2; a check that does not hold, or a tool that failed, with 1.
"""

import io
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, NoReturn

import typer

from crisp_cli.statuses import FAILED, USER_ERROR
from crisp_cli.terminal import OutputError, on_stdout, say_problem
from crisp_spec.errors import CrispError, FailedError

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
    for stream in (sys.stdout, sys.stderr):
        if isinstance(
            stream, io.TextIOWrapper
        ):  # where its encoding lacks a letter, the letter is spelled out
            stream.reconfigure(errors="backslashreplace")
    try:
        _require_words(words)
        status = main(args=list(words), standalone_mode=False, **options)
        with on_stdout():
            pass  # but help, the version and what was not flushed
    except (CrispError, UsageError, OSError, MemoryError) as error:
        if message := _sentence(error):
            say_problem("error", message)
        with suppress(OSError, OutputError), on_stdout():
            pass  # or the interpreter would fail at it and end with another status
        sys.exit(FAILED if isinstance(error, FailedError) else USER_ERROR)
    sys.exit(status if isinstance(status, int) else 0)


def _sentence(error: Any) -> str:
    """What to say of an error; nothing where help has been printed, or where nobody reads what is."""
    if isinstance(error, BrokenPipeError):
        return ""
    if isinstance(error, CrispError):
        return str(error)
    if isinstance(error, UsageError):
        message = error.format_message().rstrip(".")
        return message and f"{message}; see `{error.ctx.command_path if error.ctx else 'crisp'} --help`"
    if isinstance(error, OSError):
        return f"{error.filename}: {error.strerror}" if error.filename else str(error.strerror or error)
    return f"not enough memory ({error})" if str(error) else "not enough memory"


def _require_words(words: Sequence[str]) -> None:
    """Results hold the command line and names from it as UTF-8; and an empty name or value means nothing."""
    for before, word in zip(("crisp", *words), words, strict=False):
        try:
            word.encode()
        except UnicodeEncodeError as error:
            raise ArgumentError(f"{word!a} is not UTF-8; expected names and values in UTF-8") from error
        if not word.strip():
            raise ArgumentError(f"{word!r} after {before!r} is empty; expected a name or a value")
        if word.startswith("--") and word.endswith("="):
            raise ArgumentError(f"{word!r} has no value; expected one after it")

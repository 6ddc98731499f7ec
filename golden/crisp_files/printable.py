"""Text of users as it may be printed: what a terminal would obey and a reader not see is spelled out."""

import unicodedata

_JOINERS = "\u200c\u200d"
"""Invisible, but part of how words of some scripts, and some emoji, are written."""


def printable(text: str) -> str:
    """The text on one line, with control characters and the like as escapes such as ``\\x1b``.

    These are all that can move a cursor, change the order in which text is read, end a line, or not be
    encoded: control characters, formatting characters but joiners, separators of lines, halves of surrogate
    pairs, and code points without a character.
    """
    if text.isprintable():
        return text
    return "".join(char if _is_shown(char) else _escape(char) for char in text)


def _is_shown(char: str) -> bool:
    return char.isprintable() or char in _JOINERS or unicodedata.category(char) == "Zs"


def _escape(char: str) -> str:
    return char.encode("unicode_escape").decode()

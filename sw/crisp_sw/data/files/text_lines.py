"""Tables of a data set as lines of text."""

import io
from pathlib import Path

from crisp_files.input_files import read_regular
from crisp_sw.errors import DatasetError

MOST_BYTES = 1 << 26
"""Twenty times WordNet's table of names."""


def read_lines(path: Path) -> list[str]:
    """Lines of a file in UTF-8, with or without its mark at the beginning.

    Raises
    ------
    DatasetError : it cannot be read, or is in another encoding; names the line and the byte.
    """
    try:
        content = read_regular(path, MOST_BYTES)
    except OSError as error:
        raise DatasetError(f"{path}: {error.strerror}") from error
    # `str.splitlines` also ends a line at separators that are characters of a name.
    text = io.StringIO(decode_text(content, str(path)), newline=None)
    return [line.removesuffix("\n") for line in text]


def decode_text(content: bytes, source: str) -> str:
    """Text in UTF-8, with or without its mark at the beginning.

    Raises
    ------
    DatasetError : it is in another encoding; names ``source``, the line and the byte.
    """
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # The decoder counts from behind the mark that it has skipped.
        start = error.start + len(content) - len(error.object)
        line = content.count(b"\n", 0, start) + 1
        raise DatasetError(
            f"{source}: line {line} has the byte 0x{content[start]:02x}, which is no UTF-8; expected UTF-8"
        ) from error

"""Tables of a data set as lines of text."""

from pathlib import Path

from crisp_sw.errors import DatasetError


def read_lines(path: Path) -> list[str]:
    """Lines of a file in UTF-8, with or without its mark at the beginning.

    Raises
    ------
    DatasetError : it is in another encoding; names the line and the byte.
    """
    content = path.read_bytes()
    try:
        return content.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        # The decoder counts from behind the mark that it has skipped.
        start = error.start + len(content) - len(error.object)
        line = content.count(b"\n", 0, start) + 1
        raise DatasetError(
            f"{path}: line {line} has the byte 0x{content[start]:02x}, which is no UTF-8; expected UTF-8"
        ) from error

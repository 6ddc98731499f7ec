"""Members of a gzipped tar archive, read in memory: nothing is written, and no link followed."""

import gzip
import io
import tarfile
import zlib
from collections.abc import Mapping
from pathlib import Path

from crisp_files.input_files import InputFileError, open_regular
from crisp_sw.errors import DatasetError

CHUNK_BYTES = 1 << 20
# What gzip and tarfile raise for damaged archives; headers that announce each other without end recurse.
ARCHIVE_ERRORS = (OSError, EOFError, zlib.error, tarfile.TarError, ValueError, RecursionError)


def read_members(path: Path, sizes: Mapping[str, int], *, most: int) -> dict[str, bytes]:
    """Contents of the wanted members by base name, from an archive that was read to its end.

    Parameters
    ----------
    sizes : names of the wanted members, and how many bytes each may have.
    most : bytes that all members together may have, with their headers.

    Raises
    ------
    DatasetError : the archive is absent, damaged anywhere, too large, or lacks a member.
    """
    try:
        with open_regular(path) as file, gzip.open(file) as unpacked:
            stream = _Bounded(unpacked, most)
            contents = _collect(stream, sizes, most)
            while stream.read(CHUNK_BYTES):  # gzip's checksum comes after tar's end
                pass
    except FileNotFoundError:
        raise DatasetError(f"{path}: no such file; expected a gzipped tar archive") from None
    except InputFileError as error:
        raise DatasetError(str(error)) from error
    except ARCHIVE_ERRORS as error:
        raise DatasetError(f"{path}: damaged or truncated archive ({error})") from error
    for name in sizes:
        if name not in contents:
            raise DatasetError(f"{path}: holds no {name}; expected {', '.join(sizes)}")
    return contents


def _collect(stream: "_Bounded", sizes: Mapping[str, int], most: int) -> dict[str, bytes]:
    contents: dict[str, bytes] = {}
    with tarfile.open(fileobj=stream, mode="r|") as archive:
        for member in archive:
            name = Path(member.name).name
            if name not in sizes:
                # tarfile skips a member for as long as it is said to be, long past the end.
                _require_size(name, member.size, most)
                continue
            if not member.isreg() or member.issparse():
                raise tarfile.ReadError(f"{name} is a link or something else; expected a plain file")
            _require_size(name, member.size, sizes[name])
            if name in contents:
                raise tarfile.ReadError(f"{name} comes twice; expected it once")
            file = archive.extractfile(member)
            contents[name] = file.read() if file else b""
    return contents


def _require_size(name: str, size: int, most: int) -> None:
    if size > most:
        raise tarfile.ReadError(f"{name} has {size} bytes; expected at most {most}")


class _Bounded(io.BufferedIOBase):
    """A stream that ends with an error after so many bytes."""

    def __init__(self, stream: gzip.GzipFile, most: int):
        self._stream, self._most, self._left = stream, most, most

    def read(self, size: int | None = -1, /) -> bytes:
        content = self._stream.read(size)
        self._left -= len(content)
        if self._left < 0:
            raise tarfile.ReadError(f"it unpacks to more than {self._most} bytes")
        return content

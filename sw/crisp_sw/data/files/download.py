"""Verified downloads: fetched to a temporary name, resumed if interrupted, checked, then renamed."""

import hashlib
import http.client
import os
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from crisp_files.input_files import open_regular
from crisp_files.output_lock import locked_output
from crisp_sw.errors import DatasetError

CHUNK_BYTES = 1 << 20
TIMEOUT_SECONDS = 30
MOST_BYTES = 1 << 28
"""Half as many again as the largest data set that is downloaded has."""


@dataclass(frozen=True)
class RemoteFile:
    """A file on the net and the MD5 sum, in hexadecimal, that its publisher states."""

    url: str
    md5: str


def fetch(remote: RemoteFile, target: Path) -> Path:
    """Make sure that ``target`` holds the remote file, and return it.

    A file that is there already is checked and kept. A part left by an interrupted download is continued.
    Whoever wants the same file meanwhile waits for it.

    Raises
    ------
    DatasetError : the server cannot be reached, the file is too large, or the checksum differs; a wrong
        download is removed.
    """
    with locked_output(target, wait=True):
        return _fetch(remote, target)


def _fetch(remote: RemoteFile, target: Path) -> Path:
    if target.is_file():
        require_checksum(target, remote)
        return target
    part = target.with_name(target.name + ".part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _download(remote.url, part)
        require_checksum(part, remote)
    except DatasetError:
        part.unlink(missing_ok=True)
        raise
    except (OSError, http.client.HTTPException) as error:
        raise DatasetError(
            f"cannot download {remote.url} ({error}); place the file at {target} or set CRISP_DATA"
        ) from error
    os.replace(part, target)
    return target


def require_checksum(path: Path, remote: RemoteFile, *, advice: str = "") -> None:
    """Raise DatasetError unless a file is the remote one; ``advice`` says what else can be done."""
    with open_regular(path) as file:
        found = hashlib.file_digest(file, "md5").hexdigest()
    if found != remote.md5:
        expected = f"expected {remote.md5}, as published for {remote.url}"
        raise DatasetError("; ".join(filter(None, (f"{path}: MD5 is {found}", expected, advice))))


def _download(url: str, part: Path) -> None:
    have = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as response:
            # Only status 206 honours the range; anything else starts from the first byte again.
            resumed = have > 0 and response.status == 206
            with open(part, "ab" if resumed else "wb") as file:
                _copy(response, file, url, have if resumed else 0)
    except urllib.error.HTTPError as error:
        # 416: the part is already as long as the file; the checksum decides.
        if error.code != 416 or not have:
            raise


def _copy(response: http.client.HTTPResponse, file: IO[bytes], url: str, have: int) -> None:
    """Append what is sent to ``have`` bytes that are there, if that does not become too much."""
    stated, received = response.headers.get("Content-Length", ""), 0
    expected = int(stated) if stated.isdecimal() else None
    _require_small(url, have + (expected or 0))
    while chunk := response.read(CHUNK_BYTES):
        received += len(chunk)
        _require_small(url, have + received)
        file.write(chunk)
    if expected is not None and received != expected:
        raise OSError(f"connection closed after {received} of {expected} bytes of {url}")


def _require_small(url: str, size: int) -> None:
    if size > MOST_BYTES:
        raise DatasetError(f"{url} has {size} bytes or more; expected at most {MOST_BYTES}")

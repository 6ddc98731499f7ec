"""Verified downloads: fetched to a temporary name, resumed if interrupted, checked, then renamed."""

import hashlib
import http.client
import os
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from crisp_golden.output_lock import locked_output
from crisp_sw.errors import DatasetError
from crisp_sw.input_files import open_regular

CHUNK_BYTES = 1 << 20
TIMEOUT_SECONDS = 30


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
    DatasetError : the server cannot be reached, or the checksum differs; a wrong download is removed.
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
    except (OSError, http.client.HTTPException) as error:
        raise DatasetError(
            f"cannot download {remote.url} ({error}); place the file at {target} or set CRISP_DATA"
        ) from error
    try:
        require_checksum(part, remote)
    except DatasetError:
        part.unlink()
        raise
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
                _copy(response, file, url)
    except urllib.error.HTTPError as error:
        # 416: the part is already as long as the file; the checksum decides.
        if error.code != 416 or not have:
            raise


def _copy(response: http.client.HTTPResponse, file: IO[bytes], url: str) -> None:
    expected = response.headers.get("Content-Length")
    received = 0
    while chunk := response.read(CHUNK_BYTES):
        received += file.write(chunk)
    if expected is not None and received != int(expected):
        raise OSError(f"connection closed after {received} of {expected} bytes of {url}")

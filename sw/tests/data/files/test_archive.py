"""Archives: what is read of them, and what damaged and malicious ones end in."""

import gzip
import io
import os
import random
import tarfile
from contextlib import suppress

import pytest

from crisp_sw.data.files.archive import read_members
from crisp_sw.errors import DatasetError

CONTENTS = {"a.bin": b"first" * 100, "b.txt": b"second"}
SIZES = {"a.bin": 500, "b.txt": 9}


def member(name, content=b"", **attributes):
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    for attribute, value in attributes.items():
        setattr(entry, attribute, value)
    return entry, io.BytesIO(content)


def packed(*extra, contents=CONTENTS):
    """Uncompressed archive of ``contents`` in a folder, and more members after them."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for entry, content in (
            *(member(f"folder/{name}", value) for name, value in contents.items()),
            *extra,
        ):
            archive.addfile(entry, content)
    return buffer.getvalue()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "data.tar.gz"


def read(path, content, most=1 << 20):
    path.write_bytes(gzip.compress(content))
    return read_members(path, SIZES, most=most)


def test_wanted_members_are_read_wherever_they_lie(path):
    extra = [member("readme.html", b"hello"), member("folder/link", type=tarfile.SYMTYPE, linkname="/etc")]
    assert read(path, packed(*extra)) == CONTENTS


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        (
            member("x/a.bin", type=tarfile.SYMTYPE, linkname="/etc/passwd"),
            "a.bin is a link or something else",
        ),
        (member("x/a.bin", type=tarfile.LNKTYPE, linkname="b.txt"), "a.bin is a link or something else"),
        (member("x/a.bin", type=tarfile.DIRTYPE), "a.bin is a link or something else; expected a plain file"),
        (
            member("x/a.bin", type=tarfile.FIFOTYPE),
            "a.bin is a link or something else; expected a plain file",
        ),
        (member("x/b.txt", b"0123456789"), "b.txt has 10 bytes; expected at most 9"),
        (member("x/b.txt", b"again"), "b.txt comes twice; expected it once"),
        (member("other", bytes(1 << 20)), "it unpacks to more than 1048576 bytes"),
        (member("x" * (1 << 21)), "it unpacks to more than 1048576 bytes"),
    ],
    ids=[
        "symbolic link",
        "hard link",
        "folder",
        "pipe",
        "too large",
        "twice",
        "other too large",
        "long name",
    ],
)
def test_what_is_not_to_be_read_is_named(path, extra, message):
    with pytest.raises(DatasetError) as caught:
        read(path, packed(extra))
    assert str(caught.value).startswith(f"{path}: damaged or truncated archive ({message}")


def test_a_sparse_member_does_not_unpack_to_zeros(path):
    sparse = {"GNU.sparse.major": "0", "GNU.sparse.minor": "1", "GNU.sparse.map": "0,1,400,0"}
    extra = member("b.txt", b"0", pax_headers=sparse | {"GNU.sparse.size": "400"})
    with pytest.raises(DatasetError, match=r"b\.txt is a link or something else"):
        read(path, packed(extra, contents={"a.bin": b""}))


def test_headers_that_announce_each_other_without_end_are_a_sentence(path):
    long_name = tarfile.TarInfo("././@LongLink")
    long_name.type, long_name.size = tarfile.GNUTYPE_LONGNAME, 1
    header = long_name.tobuf(tarfile.GNU_FORMAT) + b"x" + bytes(511)
    with pytest.raises(DatasetError, match=r"damaged or truncated archive \(.*recursion"):
        read(path, header * 2000, most=1 << 30)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.6, 0.99])
def test_truncated_archive_is_named(path, share):
    raw = gzip.compress(packed())
    path.write_bytes(raw[: int(len(raw) * share)])
    with pytest.raises(DatasetError, match=r"data\.tar\.gz: "):
        read_members(path, SIZES, most=1 << 20)


def test_checksum_after_the_last_member_is_compared(path):
    raw = bytearray(gzip.compress(packed()))
    raw[-6] ^= 1
    path.write_bytes(raw)
    with pytest.raises(DatasetError, match=r"damaged or truncated archive .*CRC"):
        read_members(path, SIZES, most=1 << 20)


def test_flipped_bits_anywhere_change_nothing_or_are_named(path):
    numbers, whole = random.Random(0), gzip.compress(packed(), mtime=0)
    for _ in range(200):
        raw = bytearray(whole)
        raw[numbers.randrange(len(raw))] ^= 1 << numbers.randrange(8)
        path.write_bytes(raw)
        with suppress(DatasetError):
            assert read_members(path, SIZES, most=1 << 20) == CONTENTS


def test_damaged_headers_end_in_a_sentence(path):
    numbers, whole = random.Random(0), packed()
    for _ in range(200):
        content = bytearray(whole)
        for _ in range(4):
            content[numbers.randrange(len(whole))] = numbers.randrange(256)
        with suppress(DatasetError):
            read(path, content)


def test_a_pipe_is_refused_without_waiting(path):
    os.mkfifo(path)
    with pytest.raises(DatasetError, match=r"data\.tar\.gz: a named pipe; expected a regular file$"):
        read_members(path, SIZES, most=1 << 20)


def test_a_member_that_is_not_wanted_may_not_be_endless(tmp_path):
    member = tarfile.TarInfo("other")
    member.size = 1 << 40
    (tmp_path / "a.tar.gz").write_bytes(gzip.compress(member.tobuf() + bytes(1024)))
    with pytest.raises(DatasetError, match=rf"other has {1 << 40} bytes; expected at most 1000000"):
        read_members(tmp_path / "a.tar.gz", {"wanted": 10}, most=1_000_000)

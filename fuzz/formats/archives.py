"""Archives: gzipped tar, and the zip around a pickle that PyTorch writes."""

import gzip
import io
import pickletools
import tarfile
import warnings
import zipfile
from typing import Any

from fuzz.formats.format import Format

BLOCK = 512
PICKLE = "data.pkl"


def _read_tar(data: bytes) -> list[Any]:
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        return [_member(archive, info) for info in archive]


def _member(archive: tarfile.TarFile, info: tarfile.TarInfo) -> dict[str, Any]:
    file = archive.extractfile(info)
    return {
        "name": info.name,
        "type": info.type,
        "size": info.size,
        "linkname": info.linkname,
        "pax": {},
        "content": file.read() if file else b"",
    }


def _write_tar(tree: Any) -> bytes:
    return gzip.compress(b"".join(map(_write_member, tree)) + bytes(2 * BLOCK), 1, mtime=0)


def _write_member(member: Any) -> bytes:
    """A header with its checksum, and the content in whole blocks, whatever the header says of its size."""
    info = tarfile.TarInfo(member["name"])
    info.type, info.size, info.linkname = member["type"], member["size"], member["linkname"]
    info.pax_headers = member["pax"]
    content = member["content"]
    return info.tobuf(tarfile.PAX_FORMAT) + content + bytes(-len(content) % BLOCK)


def _read_zip(data: bytes) -> list[Any]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return [_entry(name, archive.read(name)) for name in archive.namelist()]


def _entry(name: str, content: bytes) -> dict[str, Any]:
    """Of a pickle, the operations one by one."""
    if not name.endswith(PICKLE):
        return {"name": name, "content": [content]}
    starts = [start for _, _, start in pickletools.genops(content) if start is not None]
    ends = [*starts[1:], len(content)]
    return {"name": name, "content": [content[start:end] for start, end in zip(starts, ends, strict=True)]}


def _write_zip(tree: Any) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of two entries of one name
        for entry in tree:
            archive.writestr(zipfile.ZipInfo(entry["name"]), b"".join(entry["content"]))
    return buffer.getvalue()


TAR_GZ = Format(_read_tar, _write_tar)
TORCH_ZIP = Format(_read_zip, _write_zip)

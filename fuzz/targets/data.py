"""Loaders of data sets: pictures, tables of folders, CIFAR's archives, IDX files and the cache."""

import gzip
import hashlib
import io
import math
import tarfile
from collections.abc import Sequence
from dataclasses import replace
from functools import cache, partial
from pathlib import Path

import numpy as np
import torch
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from PIL import Image

from crisp_sw.data.class_lookup import resolve_classes
from crisp_sw.data.dataset import DatasetSplits, ImageSet
from crisp_sw.data.files.class_names import read_class_names
from crisp_sw.data.files.idx import read_idx
from crisp_sw.data.files.listing import ANNOTATIONS, list_image_folder
from crisp_sw.data.files.picture import decode_picture, shorter_edge
from crisp_sw.data.files.unpacked import load_unpacked
from crisp_sw.data.sources.cifar import CIFAR_10, CIFAR_100, CifarArchive, read_cifar_files
from fuzz.edits import edited, edited_bytes
from fuzz.formats.archives import TAR_GZ
from fuzz.formats.containers import IDX, PNG, SAFETENSORS
from fuzz.formats.texts import WORDS
from fuzz.target import Target, file_with

IDS = ("n01443537", "n01629819", "other")
NAMES = ("goldfish, Carassius auratus", "fire salamander", "7")


def _pictures() -> SearchStrategy[bytes]:
    pixels = np.random.default_rng(0).integers(0, 256, (12, 9, 3), np.uint8)
    picture = Image.fromarray(pixels)
    kinds = ("JPEG", "PNG", "BMP", "WEBP", "PPM")
    modes = [picture.convert(mode) for mode in ("1", "L", "LA", "P", "RGBA")]
    seeds = [_encoded(picture, kind) for kind in kinds]
    png = [_encoded(item, "PNG") for item in (picture, *modes)]
    png.append(_encoded(Image.fromarray(pixels[:, :, 0].astype(np.uint16) * 257), "PNG"))
    return st.one_of(edited_bytes(seeds), edited(PNG, png))


def _encoded(picture: Image.Image, kind: str) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind)
    return buffer.getvalue()


def _read_picture(data: bytes) -> None:
    with file_with(data, "a.png") as path:
        decode_picture(path, 8)
        shorter_edge([path])


def _class_names() -> SearchStrategy[bytes]:
    table = "\n".join(f"{identifier}\t{name}" for identifier, name in zip(IDS, NAMES, strict=True))
    return edited(WORDS, [table.encode(), b"n1\ta\r\n\r\nn2\tb"])


def _read_class_names(data: bytes) -> None:
    with file_with(data, "classes.tsv") as path:
        read_class_names(path.parent, IDS)


def _annotations() -> SearchStrategy[bytes]:
    lines = (f"val_{number}.JPEG\t{identifier}\t0\t32\t44\t62" for number, identifier in enumerate(IDS))
    return edited(WORDS, ["\n".join(lines).encode()])


def _read_annotations(data: bytes) -> None:
    with file_with(data, ANNOTATIONS) as path:
        root = path.parent / "images"
        for identifier in IDS:
            (root / "train" / identifier).mkdir(parents=True)
            (root / "train" / identifier / "a.png").touch()
        (root / "val").mkdir()
        path.rename(root / "val" / ANNOTATIONS)
        list_image_folder(root)


def _archives(layout: CifarArchive) -> SearchStrategy[bytes]:
    return edited(TAR_GZ, [_archive(layout)])


def _archive(layout: CifarArchive) -> bytes:
    """One picture in each file."""
    record = bytes(layout.record_bytes)
    contents = dict.fromkeys((*layout.train_files, layout.test_file), record)
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in {**contents, layout.classes_file: b"cat\ndog\n"}.items():
            member = tarfile.TarInfo(f"cifar/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return gzip.compress(buffer.getvalue(), mtime=0)


def _read_archive(data: bytes, layout: CifarArchive) -> None:
    """As if it had the checksum of the published one."""
    with file_with(data, layout.archive) as path:
        read_cifar_files(path, replace(layout, md5=hashlib.md5(data).hexdigest()))


def _idx_files(sizes: Sequence[int]) -> SearchStrategy[bytes]:
    header = bytes((0, 0, 8, len(sizes))) + b"".join(size.to_bytes(4, "big") for size in sizes)
    return edited(IDX, [gzip.compress(header + bytes(math.prod(sizes)), mtime=0)])


def _read_idx(data: bytes, dimensions: int) -> None:
    with file_with(data, "images.gz") as path:
        read_idx(path, dimensions=dimensions)


def _digits() -> DatasetSplits:
    part = ImageSet(torch.zeros(2, 1, 4, 4, dtype=torch.uint8), torch.tensor([0, 1]))
    return DatasetSplits(name="two", train=part, test=part, classes=("a", "b"), class_ids=("a", "b"))


def _unpacked() -> SearchStrategy[bytes]:
    with file_with(b"", "source") as source:
        load_unpacked([source], source.parent, _digits)
        return edited(SAFETENSORS, [_cache_of(source).read_bytes()])


def _read_unpacked(data: bytes) -> None:
    with file_with(b"", "source") as source:
        load_unpacked([source], source.parent, _digits)
        _cache_of(source).write_bytes(data)
        load_unpacked([source], source.parent, _digits)


def _cache_of(source: Path) -> Path:
    (path,) = source.parent.glob("unpacked/*.safetensors")
    return path


def _selections() -> SearchStrategy[bytes]:
    wanted = ("goldfish, Carassius auratus,7", "1,0", "n01443537,fire salamander", " Fire  Salamander ,other")
    return edited(WORDS, [text.encode() for text in wanted])


@cache
def _three_classes() -> DatasetSplits:
    labels = torch.tensor([0, 1, 2])
    part = ImageSet(torch.zeros(3, 1, 4, 4, dtype=torch.uint8), labels)
    return DatasetSplits(name="three", train=part, test=part, classes=NAMES, class_ids=IDS)


def _select(data: bytes) -> None:
    resolve_classes(_three_classes(), data.decode(errors="surrogateescape"))


TARGETS = (
    Target(name="picture", load=_read_picture, inputs=_pictures, examples=400),
    Target(name="class-names", load=_read_class_names, inputs=_class_names, examples=300),
    Target(name="annotations", load=_read_annotations, inputs=_annotations, examples=200),
    *(
        Target(
            name=layout.name,
            load=partial(_read_archive, layout=layout),
            inputs=partial(_archives, layout),
            examples=100,
        )
        for layout in (CIFAR_10, CIFAR_100)
    ),
    *(
        Target(
            name=f"idx-{name}",
            load=partial(_read_idx, dimensions=len(sizes)),
            inputs=partial(_idx_files, sizes),
            examples=200,
        )
        for name, sizes in (("images", (2, 3, 4)), ("labels", (5,)))
    ),
    Target(name="unpacked", load=_read_unpacked, inputs=_unpacked, examples=200),
    Target(name="selection", load=_select, inputs=_selections, examples=400),
)

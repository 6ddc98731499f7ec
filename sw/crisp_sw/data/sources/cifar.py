"""CIFAR-10 and CIFAR-100 (Krizhevsky 2009): 60,000 colour 32x32 pictures of ten or a hundred classes.

Read from the *binary version* of the archives, which needs no unpickling. A record is one label byte
(CIFAR-100: a coarse and a fine one) and 3072 bytes of pixels, channel by channel.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from crisp_files.input_files import read_regular
from crisp_sw.data.dataset import DatasetSplits, ImageSet
from crisp_sw.data.files.archive import read_members
from crisp_sw.data.files.download import RemoteFile, fetch, require_checksum
from crisp_sw.data.files.text_lines import decode_text
from crisp_sw.data.files.unpacked import load_unpacked
from crisp_sw.errors import DatasetError

MIRROR = "https://www.cs.toronto.edu/~kriz"
IMAGE_SHAPE = (3, 32, 32)
PIXELS = 3 * 32 * 32
PICTURES = 60_000
NAMES_BYTES = 1 << 16
ARCHIVE_EXTRA_BYTES = 1 << 20
"""What an archive may hold beside pictures: headers, names, a page about the data set."""


@dataclass(frozen=True)
class CifarArchive:
    """Layout of one of the two archives.

    Attributes
    ----------
    label_bytes : of a record; the last one is the label used.
    python_names : of the archive of the Python version, and of the folder that it unpacks to.
    """

    name: str
    archive: str
    md5: str
    train_files: tuple[str, ...]
    test_file: str
    classes_file: str
    label_bytes: int
    python_names: tuple[str, str]

    @property
    def record_bytes(self) -> int:
        """Of one picture with its labels."""
        return self.label_bytes + PIXELS

    @property
    def sizes(self) -> dict[str, int]:
        """Names of all files that are read, and how many bytes each may have."""
        records = dict.fromkeys((*self.train_files, self.test_file), PICTURES * self.record_bytes)
        return records | {self.classes_file: NAMES_BYTES}


# MD5 sums from the data sets' home page.
CIFAR_10 = CifarArchive(
    name="cifar-10",
    archive="cifar-10-binary.tar.gz",
    md5="c32a1d4ab5d03f1284b67883e8d87530",
    train_files=tuple(f"data_batch_{number}.bin" for number in range(1, 6)),
    test_file="test_batch.bin",
    classes_file="batches.meta.txt",
    label_bytes=1,
    python_names=("cifar-10-python.tar.gz", "cifar-10-batches-py"),
)
CIFAR_100 = CifarArchive(
    name="cifar-100",
    archive="cifar-100-binary.tar.gz",
    md5="03b5dce01913d631647c71ecec9e9cb8",
    train_files=("train.bin",),
    test_file="test.bin",
    classes_file="fine_label_names.txt",
    label_bytes=2,
    python_names=("cifar-100-python.tar.gz", "cifar-100-python"),
)


def load_cifar(layout: CifarArchive, cache: Path, *, mirror: str = MIRROR) -> DatasetSplits:
    """Read the archive from ``$CRISP_DATA``, from the cache, or download it into the cache.

    Raises
    ------
    DatasetError : the archive is damaged, or absent and cannot be downloaded.
    """
    if "CRISP_DATA" in os.environ:
        local = Path(os.environ["CRISP_DATA"]) / layout.archive
        if local.exists():
            return load_cifar_files(local, layout, cache)
    remote = RemoteFile(f"{mirror}/{layout.archive}", md5=layout.md5)
    return load_cifar_files(fetch(remote, cache / layout.archive), layout, cache)


def layout_of(path: Path) -> CifarArchive | None:
    """Which of the two data sets lies at a path: an archive, by its name, or its unpacked files.

    Raises
    ------
    DatasetError : it is the Python version of one, packed or not.
    """
    for layout in (CIFAR_10, CIFAR_100):
        if path.name == layout.archive or (path / layout.test_file).is_file():
            return layout
        if path.name in layout.python_names:
            raise DatasetError(
                f"{path}: the Python version of {layout.name} consists of pickles, which can run code; "
                f"expected the binary version, {layout.archive} or the folder that it unpacks to"
            )
    return None


def load_cifar_files(path: Path, layout: CifarArchive, cache: Path) -> DatasetSplits:
    """Read an archive or its unpacked files, or map what an earlier call read."""
    files = [path / name for name in layout.sizes] if path.is_dir() else [path]
    return load_unpacked(files, cache, lambda: read_cifar_files(path, layout))


def read_cifar_files(path: Path, layout: CifarArchive) -> DatasetSplits:
    """Read training and test images and class names of the binary version.

    Parameters
    ----------
    path : the archive, or the folder that it unpacks to.

    Raises
    ------
    DatasetError : something is absent, truncated, damaged, lacks a file, or is not the archive as published.
    """
    most = PICTURES * layout.record_bytes + ARCHIVE_EXTRA_BYTES
    folder = path.is_dir()
    contents = _read_folder(path, layout.sizes) if folder else read_members(path, layout.sizes, most=most)
    names = decode_text(contents.pop(layout.classes_file), f"{path}: {layout.classes_file}")
    classes = _classes(names, f"{path}: {layout.classes_file}")
    parts = {
        name: _parse_records(content, layout, len(classes), f"{path}: {name}")
        for name, content in contents.items()
    }
    if not folder:  # last, as what is wrong in a damaged archive says more than its checksum
        _require_published(path, layout)
    train = [parts[name] for name in layout.train_files]
    return DatasetSplits(
        name=layout.name,
        train=ImageSet(
            torch.cat([part.images for part in train]), torch.cat([part.labels for part in train])
        ),
        test=parts[layout.test_file],
        classes=classes,
        class_ids=classes,
    )


def _read_folder(path: Path, sizes: Mapping[str, int]) -> dict[str, bytes]:
    try:
        return {name: read_regular(path / name, most) for name, most in sizes.items()}
    except FileNotFoundError as error:
        missing = Path(error.filename).name
        raise DatasetError(f"{path}: holds no {missing}; expected the files of a CIFAR archive") from None
    except OSError as error:
        raise DatasetError(f"{error.filename}: {error.strerror}") from error


def _require_published(path: Path, layout: CifarArchive) -> None:
    remote = RemoteFile(f"{MIRROR}/{layout.archive}", md5=layout.md5)
    advice = "if it was packed anew on purpose, unpack it and give the folder"
    require_checksum(path, remote, advice=advice)


def _classes(names: str, source: str) -> tuple[str, ...]:
    classes = tuple(names.split())
    different = len(set(classes))
    if different < max(2, len(classes)):
        raise DatasetError(
            f"{source}: {len(classes)} names, {different} of them different; expected two or more, each once"
        )
    return classes


def _parse_records(content: bytes, layout: CifarArchive, classes: int, source: str) -> ImageSet:
    size = layout.record_bytes
    if not content or len(content) % size:
        raise DatasetError(f"{source}: {len(content)} bytes; expected a multiple of {size}")
    records = np.frombuffer(content, np.uint8).reshape(-1, size)
    labels = records[:, layout.label_bytes - 1].astype(np.int64)
    if labels.max() >= classes:
        raise DatasetError(f"{source}: label {labels.max()}; expected 0 to {classes - 1}")
    images = records[:, layout.label_bytes :].reshape(-1, *IMAGE_SHAPE).copy()
    return ImageSet(torch.from_numpy(images), torch.from_numpy(labels))

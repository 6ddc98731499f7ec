"""Which pictures a folder holds, and the class of each: ImageNet's layout, and Tiny ImageNet's own.

ImageNet's layout is ``train/<class id>/*`` and ``val/<class id>/*`` (or ``test/``), with folders in between
allowed. Tiny ImageNet as published keeps its validation pictures in one folder, ``val/images/*``, and their
classes in ``val/val_annotations.txt``: file name, tab, class id, and a box that is not used.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from crisp_sw.errors import DatasetError

IMAGE_SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".webp", ".ppm", ".pgm"}
TEST_FOLDERS = ("val", "test")
ANNOTATIONS = "val_annotations.txt"


@dataclass(frozen=True)
class Listing:
    """Files of one split, in the order of the classes, and the index of the class of each."""

    files: list[Path]
    labels: list[int]


def is_image_folder(path: Path) -> bool:
    """Whether ``path`` has a training and a test folder."""
    return (path / "train").is_dir() and any((path / name).is_dir() for name in TEST_FOLDERS)


def list_image_folder(path: Path) -> tuple[list[str], Listing, Listing]:
    """List the classes and the pictures of both splits.

    Returns
    -------
    Class ids, sorted; training pictures; test pictures.

    Raises
    ------
    DatasetError : a split is empty, or its classes are not those of ``train``.
    """
    ids = _class_ids(path / "train")
    test = next(path / name for name in TEST_FOLDERS if (path / name).is_dir())
    list_test = _list_annotated if (test / ANNOTATIONS).is_file() else _list_folders
    return ids, _list_folders(path / "train", ids), list_test(test, ids)


def _class_ids(train: Path) -> list[str]:
    ids = sorted(entry.name for entry in os.scandir(train) if entry.is_dir())
    if len(ids) < 2:
        raise DatasetError(f"{train}: {len(ids)} class folders; expected at least 2")
    return ids


def _list_folders(folder: Path, ids: Sequence[str]) -> Listing:
    present = {entry.name for entry in os.scandir(folder) if entry.is_dir()}
    if unknown := sorted(present - set(ids)):
        raise DatasetError(f"{folder / unknown[0]}: expected only classes that are in train too")
    files: list[Path] = []
    labels: list[int] = []
    for label, identifier in enumerate(ids):
        found = sorted(_pictures(folder / identifier)) if identifier in present else []
        files += found
        labels += [label] * len(found)
    if not files:
        raise DatasetError(f"{folder}: no pictures; expected files such as {ids[0]}/*.jpg")
    return Listing(files, labels)


def _pictures(folder: Path) -> Iterator[Path]:
    """All pictures below a class folder; some data sets put them into a folder ``images`` of their own."""
    for root, _, names in os.walk(folder):
        yield from (Path(root) / name for name in names if Path(name).suffix.lower() in IMAGE_SUFFIXES)


def _list_annotated(folder: Path, ids: Sequence[str]) -> Listing:
    """Pictures that the table of annotations names, whether they are there or not."""
    table, label_of = folder / ANNOTATIONS, {identifier: label for label, identifier in enumerate(ids)}
    pairs: list[tuple[int, Path]] = []
    for number, line in enumerate(table.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip():
            continue
        name, _, rest = line.partition("\t")
        identifier = rest.partition("\t")[0].strip()
        if identifier not in label_of:
            raise DatasetError(
                f"{table}: line {number} gives {name!r} the class {identifier!r}; "
                f"expected a file name, a tab and a class id that is in train, such as {ids[0]}"
            )
        pairs.append((label_of[identifier], folder / "images" / name.strip()))
    if not pairs:
        raise DatasetError(f"{table}: no pictures; expected lines of file name, tab and class id")
    pairs.sort()
    return Listing([file for _, file in pairs], [label for label, _ in pairs])

"""Which pictures a folder holds, and the class of each: ImageNet's layout, and Tiny ImageNet's own.

ImageNet's layout is ``train/<class id>/*`` and ``val/<class id>/*`` (or ``test/``), with folders in between
allowed. Hidden files and folders are ignored, and so are texts and metadata beside the pictures. Tiny
ImageNet as published keeps its validation pictures in one folder, ``val/images/*``, and their classes in
``val/val_annotations.txt``: file name, tab, class id, and a box that is not used.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from crisp_sw.data.files.picture import SUFFIXES
from crisp_sw.data.files.text_lines import read_lines
from crisp_sw.errors import DatasetError

METADATA_SUFFIXES = {
    *(".txt", ".md", ".html", ".csv", ".tsv", ".json", ".xml", ".yaml", ".yml", ".mat"),
    *(".db", ".ini"),  # thumbnails and settings of Windows
}
TEST_FOLDERS = ("val", "test")
ANNOTATIONS = "val_annotations.txt"


@dataclass(frozen=True)
class Listing:
    """Files of one split, in the order of the classes, and the index of the class of each.

    ``strange`` are files beside them that may be pictures, but of a kind that is not read, and links to
    folders.
    """

    files: list[Path]
    labels: list[int]
    strange: list[Path] = field(default_factory=list)

    @property
    def problems(self) -> list[str]:
        """A message for each strange file."""
        kinds = f"no picture of a known kind; expected one of {', '.join(SUFFIXES)}"
        link = "a link to a folder, which is not followed; expected pictures"
        return [f"{file}: {link if file.is_dir() else kinds}" for file in self.strange]


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
    OSError : a folder cannot be read.
    """
    ids = _class_ids(path / "train")
    test = next(path / name for name in TEST_FOLDERS if (path / name).is_dir())
    list_test = _list_annotated if (test / ANNOTATIONS).is_file() else _list_folders
    return ids, _list_folders(path / "train", ids), list_test(test, ids)


def _class_ids(train: Path) -> list[str]:
    ids = sorted(_folders(train))
    if len(ids) < 2:
        raise DatasetError(f"{train}: {len(ids)} class folders; expected at least 2")
    for identifier in ids:
        if not _is_text(identifier):
            raise DatasetError(f"{train}: the class folder {identifier!r} has a name that is no UTF-8")
    return ids


def _list_folders(folder: Path, ids: Sequence[str]) -> Listing:
    present = _folders(folder)
    if unknown := sorted(present - set(ids)):
        raise DatasetError(f"{folder / unknown[0]}: expected only classes that are in train too")
    listing = Listing([], [])
    for label, identifier in enumerate(ids):
        found = sorted(_files(folder / identifier)) if identifier in present else []
        pictures = [file for file in found if file.suffix.lower() in SUFFIXES]
        listing.files.extend(pictures)
        listing.labels.extend([label] * len(pictures))
        listing.strange.extend(file for file in found if _is_strange(file))
    if not listing.files:
        seen = f", only {listing.strange[0]}" if listing.strange else ""
        raise DatasetError(f"{folder}: no pictures{seen}; expected files such as {ids[0]}/*.jpg")
    return listing


def _folders(folder: Path) -> set[str]:
    return {entry.name for entry in os.scandir(folder) if entry.is_dir() and not _is_hidden(entry.name)}


def _files(folder: Path) -> Iterator[Path]:
    """All files below a class folder; some data sets put them into a folder ``images`` of their own.

    A link to a folder is a file here: followed, it could lead to the pictures of another class.
    """
    for root, folders, names in os.walk(folder, onerror=_cannot_be_read):
        folders[:] = [name for name in folders if not _is_hidden(name)]
        links = [name for name in folders if os.path.islink(os.path.join(root, name))]
        yield from (Path(root) / name for name in [*names, *links] if not _is_hidden(name))


def _cannot_be_read(error: OSError) -> None:
    raise error


def _is_hidden(name: str) -> bool:
    return name.startswith(".")


def _is_text(name: str) -> bool:
    """Whether a name from the file system is in its encoding; Python keeps other bytes as lone surrogates."""
    return not any("\ud800" <= character <= "\udfff" for character in name)


def _is_plain(name: str) -> bool:
    return bool(name) and Path(name).name == name and "\0" not in name


def _is_strange(file: Path) -> bool:
    return file.suffix.lower() not in METADATA_SUFFIXES.union(SUFFIXES)


def _list_annotated(folder: Path, ids: Sequence[str]) -> Listing:
    """Pictures that the table of annotations names, whether they are there or not."""
    table, label_of = folder / ANNOTATIONS, {identifier: label for label, identifier in enumerate(ids)}
    label_of_picture: dict[str, int] = {}
    for number, line in enumerate(read_lines(table), 1):
        if not line.strip():
            continue
        name, _, rest = line.partition("\t")
        identifier = rest.partition("\t")[0].strip()
        if identifier not in label_of:
            raise DatasetError(
                f"{table}: line {number} gives {name!r} the class {identifier!r}; "
                f"expected a file name, a tab and a class id that is in train, such as {ids[0]}"
            )
        if not _is_plain(name.strip()) or name.strip() in label_of_picture:
            raise DatasetError(
                f"{table}: line {number} names the picture {name!r}; expected the name of a file in images/, "
                "each once"
            )
        label_of_picture[name.strip()] = label_of[identifier]
    if not label_of_picture:
        raise DatasetError(f"{table}: no pictures; expected lines of file name, tab and class id")
    pairs = sorted((label, folder / "images" / name) for name, label in label_of_picture.items())
    return Listing([file for _, file in pairs], [label for label, _ in pairs])

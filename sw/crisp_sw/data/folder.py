"""ImageNet-style folders: ``train/<class id>/*`` and ``val/<class id>/*`` (or ``test/``), decoded once.

Class ids are the folders' names. An optional ``classes.tsv`` gives a display name for each: id, tab, name.
Decoded images are cached as one memory-mapped array per split, under a key that covers the listing (paths,
sizes and times of change of all files) and the image size, so a changed folder is decoded again.
"""

import hashlib
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps

from crisp_sw.data.dataset import DatasetSplits, ImageSet
from crisp_sw.errors import DatasetError

IMAGE_SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".webp", ".ppm", ".pgm"}
TEST_FOLDERS = ("val", "test")
DEFAULT_WORKERS = 4
DECODE_CHUNK = 1024
# What Pillow raises for damaged pictures; an unidentified one is an OSError.
PICTURE_ERRORS = (OSError, SyntaxError, ValueError, Image.DecompressionBombError)


@dataclass(frozen=True)
class _Listing:
    """Files of one split, and the index of the class of each."""

    files: list[Path]
    labels: list[int]


def is_image_folder(path: Path) -> bool:
    """Whether ``path`` has a training and a test folder."""
    return (path / "train").is_dir() and any((path / name).is_dir() for name in TEST_FOLDERS)


def load_image_folder(
    path: Path, cache: Path, *, image_size: int | None = None, workers: int = DEFAULT_WORKERS
) -> DatasetSplits:
    """Decode a folder of pictures, or map the cached result of an earlier call.

    Parameters
    ----------
    image_size : edge of the square images, cut from the middle of the scaled pictures; by default the shorter
        edge of the first picture.
    workers : threads that decode.

    Raises
    ------
    DatasetError : a split is empty, its classes differ from those of ``train``, or a picture is damaged.
    """
    test_folder = next(name for name in TEST_FOLDERS if (path / name).is_dir())
    ids = _class_ids(path / "train")
    splits = {name: _list_split(path / name, ids) for name in ("train", test_folder)}
    size = image_size or _shorter_edge(splits["train"].files[0])
    folder = cache / "image-folders" / _cache_key(path, splits, size)
    images = {
        name: _decoded(listing, size, folder / f"{name}.npy", workers) for name, listing in splits.items()
    }
    sets = {name: ImageSet(images[name], torch.tensor(splits[name].labels)) for name in splits}
    return DatasetSplits(
        name=path.resolve().name,
        train=sets["train"],
        test=sets[test_folder],
        classes=_class_names(path / "classes.tsv", ids),
        class_ids=tuple(ids),
    )


def _class_ids(train: Path) -> list[str]:
    ids = sorted(entry.name for entry in os.scandir(train) if entry.is_dir())
    if len(ids) < 2:
        raise DatasetError(f"{train}: {len(ids)} class folders; expected at least 2")
    return ids


def _list_split(folder: Path, ids: list[str]) -> _Listing:
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
    return _Listing(files, labels)


def _pictures(folder: Path) -> Iterator[Path]:
    """All pictures below a class folder; some data sets put them into a folder ``images`` of their own."""
    for root, _, names in os.walk(folder):
        yield from (Path(root) / name for name in names if Path(name).suffix.lower() in IMAGE_SUFFIXES)


def _cache_key(path: Path, splits: dict[str, _Listing], size: int) -> str:
    digest = hashlib.sha256(f"{path.resolve()} {size}".encode())
    for listing in splits.values():
        for file in listing.files:
            status = file.stat()
            digest.update(f"{file} {status.st_size} {status.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:32]


def _decoded(listing: _Listing, size: int, cached: Path, workers: int) -> torch.Tensor:
    if not cached.is_file():
        _decode_all(listing.files, size, cached, workers)
    try:
        # Copy on write: torch wants writable memory, and the file must never change.
        images = np.load(cached, mmap_mode="c")
    except (OSError, EOFError, ValueError) as error:
        raise DatasetError(f"{cached}: damaged cache ({error}); remove it and try again") from error
    if images.shape != (len(listing.files), 3, size, size) or images.dtype != np.uint8:
        raise DatasetError(f"{cached}: cache of another shape {images.shape}; remove it and try again")
    return torch.from_numpy(images)


def _decode_all(files: list[Path], size: int, cached: Path, workers: int) -> None:
    cached.parent.mkdir(parents=True, exist_ok=True)
    temporary = cached.with_name(f".{cached.name}.{os.getpid()}.tmp")
    try:
        shape = (len(files), 3, size, size)
        images = np.lib.format.open_memmap(temporary, mode="w+", dtype=np.uint8, shape=shape)
        with ThreadPoolExecutor(workers) as pool:
            for start in range(0, len(files), DECODE_CHUNK):
                chunk = files[start : start + DECODE_CHUNK]
                images[start : start + len(chunk)] = list(pool.map(_decode, chunk, [size] * len(chunk)))
        images.flush()
        os.replace(temporary, cached)
    finally:
        temporary.unlink(missing_ok=True)


def _decode(path: Path, size: int) -> np.ndarray:
    """Read one picture as uint8[3, size, size]: scaled to cover the square, middle kept."""
    try:
        with Image.open(path) as picture:
            fitted = ImageOps.fit(picture.convert("RGB"), (size, size), Image.Resampling.BILINEAR)
    except PICTURE_ERRORS as error:
        raise DatasetError(f"{path}: damaged or truncated picture ({error})") from error
    return np.asarray(fitted).transpose(2, 0, 1)


def _shorter_edge(path: Path) -> int:
    try:
        with Image.open(path) as picture:
            return min(picture.size)
    except PICTURE_ERRORS as error:
        raise DatasetError(f"{path}: damaged or truncated picture ({error})") from error


def _class_names(path: Path, ids: list[str]) -> tuple[str, ...]:
    """Display names from the table if there is one; a class without a line keeps its id."""
    if not path.is_file():
        return tuple(ids)
    names: dict[str, str] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        identifier, tab, name = line.partition("\t")
        if line.strip() and not (tab and name.strip()):
            raise DatasetError(f"{path}: line {number} is {line!r}; expected an id, a tab and a name")
        names[identifier.strip()] = name.strip()
    return tuple(names.get(identifier, identifier) for identifier in ids)

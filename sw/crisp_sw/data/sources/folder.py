"""Folders of pictures, ImageNet's or Tiny ImageNet's layout, decoded once.

Decoded images are cached as one memory-mapped array per split, under a key that covers the listing (paths,
sizes and times of change of all files) and the image size, so a changed folder is decoded again.
"""

from pathlib import Path

import torch

from crisp_files.printable import printable
from crisp_sw.choices import UNREADABLE, Unreadable
from crisp_sw.data.dataset import DatasetSplits, ImageSet, require_every_class
from crisp_sw.data.files.class_names import read_class_names
from crisp_sw.data.files.decoding import decode_cached
from crisp_sw.data.files.listing import Listing, list_image_folder
from crisp_sw.data.files.picture import shorter_edge
from crisp_sw.data.files.unpacked import files_key
from crisp_sw.errors import DatasetError

CACHE_VERSION = 3


def load_image_folder(
    path: Path,
    cache: Path,
    *,
    image_size: int | None = None,
    workers: int | None = None,
    unreadable: Unreadable = "refuse",
) -> DatasetSplits:
    """Decode a folder of pictures, or map the cached result of an earlier call.

    Parameters
    ----------
    image_size : edge of the square images, cut from the middle of the scaled pictures; by default the shorter
        edge of the first picture.
    workers : processes that decode; by default as many as there are cores, for thousands of pictures.
    unreadable : what a missing or damaged picture means, and a file beside them that is neither a picture
        nor metadata: "refuse" the data set and name the first one, or "skip" it and name it in
        ``DatasetSplits.skipped``.

    Raises
    ------
    DatasetError : a split is empty or lacks a class, its classes differ from those of ``train``, or a picture
        is unreadable.
    """
    if unreadable not in UNREADABLE:
        raise DatasetError(f"`unreadable` must be one of {', '.join(UNREADABLE)}, not {unreadable!r}")
    strict = unreadable == "refuse"
    ids, train, test = list_image_folder(path)
    strange = [*train.problems, *test.problems]
    if strict and strange:
        raise DatasetError(f"{strange[0]}, or `unreadable` skip to leave such files out")
    for split, listing in (("training", train), ("test", test)):
        require_every_class(path, split, torch.tensor(listing.labels), ids)
    classes = read_class_names(path, ids)
    size = image_size or shorter_edge(train.files, strict=strict)
    key = files_key(f"{CACHE_VERSION} {path.resolve()} {size}", [*train.files, *test.files])
    folder = cache / "image-folders" / key
    sets, skipped = [], strange
    for name, listing in (("train", train), ("test", test)):
        decoded = decode_cached(listing.files, size, folder / f"{name}.npy", workers=workers, strict=strict)
        sets.append(_readable(decoded.images, listing, [index for index, _ in decoded.problems]))
        skipped += [message for _, message in decoded.problems]
        if not len(sets[-1]):
            raise DatasetError(f"{path}: no {name} picture can be read; the first problem: {skipped[-1]}")
    return DatasetSplits(
        name=path.resolve().name,
        train=sets[0],
        test=sets[1],
        classes=classes,
        class_ids=tuple(ids),
        skipped=tuple(map(printable, skipped)),  # results hold them, and names may be no Unicode
    )


def _readable(images, listing: Listing, problems: list[int]) -> ImageSet:
    tensor, labels = torch.from_numpy(images), torch.tensor(listing.labels)
    if not problems:
        return ImageSet(tensor, labels)
    kept = torch.ones(len(labels), dtype=torch.bool)
    kept[problems] = False
    return ImageSet(tensor[kept], labels[kept])

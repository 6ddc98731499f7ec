"""Data sets by name or path: the one entry point that the rest of the package uses."""

import difflib
from collections.abc import Callable
from dataclasses import replace
from numbers import Integral
from pathlib import Path

from crisp_files.folders import user_cache
from crisp_sw.choices import Unreadable
from crisp_sw.data.dataset import DatasetSplits, ImageSet
from crisp_sw.data.files.listing import is_image_folder
from crisp_sw.data.resize import resize_images
from crisp_sw.data.sources.cifar import CIFAR_10, CIFAR_100, layout_of, load_cifar, load_cifar_files
from crisp_sw.data.sources.digits import load_digits
from crisp_sw.data.sources.fashion_mnist import holds_idx_files, load_fashion_mnist, load_idx_folder
from crisp_sw.data.sources.folder import load_image_folder
from crisp_sw.errors import DatasetError

SMALLEST_IMAGE = 8

DATASETS: dict[str, Callable[[Path, int | None], DatasetSplits]] = {
    "fashion-mnist": lambda cache, _: load_fashion_mnist(cache),
    "cifar-10": lambda cache, _: load_cifar(CIFAR_10, cache),
    "cifar-100": lambda cache, _: load_cifar(CIFAR_100, cache),
    "digits": lambda _, size: load_digits(size),
}


def load_dataset(
    name_or_path: str | Path,
    *,
    cache: Path | None = None,
    image_size: int | None = None,
    unreadable: Unreadable = "refuse",
) -> DatasetSplits:
    """Load a data set into memory, or map it from the cache.

    Parameters
    ----------
    name_or_path : a key of `DATASETS`; or the path of an ImageNet-style folder, of a folder with the four
        Fashion-MNIST files, or of CIFAR's binary version, as the archive or unpacked.
    cache : where downloads and decoded pictures go; by default `crisp_files.folders.user_cache`.
    image_size : edge in pixels to scale the square images to; by default they stay as they are.
    unreadable : what a missing or damaged picture of a folder means, see `load_image_folder`.

    Raises
    ------
    DatasetError : the data set is unknown, cannot be had, a file or folder of it is damaged or may not be
        read, a class has no training or no test image, images are too small, or it is no folder of pictures,
        and ``unreadable`` would have no effect.
    """
    if image_size is not None and (not isinstance(image_size, Integral) or image_size < SMALLEST_IMAGE):
        raise DatasetError(
            f"`image_size` must be an integer of at least {SMALLEST_IMAGE}, not {image_size!r}"
        )
    try:
        splits = _load(name_or_path, cache or user_cache(), image_size, unreadable)
    except OSError as error:
        raise DatasetError(f"{error.filename or name_or_path}: {error.strerror or error}") from error
    splits.require_every_class()
    named = is_dataset_name(name_or_path)
    splits = replace(splits, source=_key(name_or_path) if named else str(Path(name_or_path).absolute()))
    if image_size is not None:
        return _resized(splits, image_size)
    _require_large_enough(splits)
    return splits


def _load(name: str | Path, cache: Path, image_size: int | None, unreadable: Unreadable) -> DatasetSplits:
    if not is_dataset_name(name):
        return _load_path(Path(name), cache, image_size, unreadable)
    _require_no_choice(name, unreadable)
    return DATASETS[_key(name)](cache, image_size)


def _require_large_enough(splits: DatasetSplits) -> None:
    height, width = splits.image_size
    if min(height, width) < SMALLEST_IMAGE:
        raise DatasetError(
            f"{splits.name}: images of {height} x {width} pixels; expected at least {SMALLEST_IMAGE} x "
            f"{SMALLEST_IMAGE}: choose an `image_size`"
        )


def _require_no_choice(name: str | Path, unreadable: Unreadable) -> None:
    if unreadable != "refuse":
        raise DatasetError(
            f"`unreadable` {unreadable} has no effect on {name}, which is no folder of pictures"
        )


def is_dataset_name(name: str | Path) -> bool:
    """Whether there is a data set of that name; anything else can only be a path."""
    return _key(name) in DATASETS


def _key(name: str | Path) -> str:
    return str(name).lower().replace("_", "-")


def _load_path(path: Path, cache: Path, image_size: int | None, unreadable: Unreadable) -> DatasetSplits:
    if (layout := layout_of(path)) is not None and path.exists():
        _require_no_choice(path, unreadable)
        return load_cifar_files(path, layout, cache)
    if path.is_file():
        raise DatasetError(f"{path}: expected a folder, or one of {CIFAR_10.archive}, {CIFAR_100.archive}")
    if is_image_folder(path):
        return load_image_folder(path, cache, image_size=image_size, unreadable=unreadable)
    if holds_idx_files(path):
        _require_no_choice(path, unreadable)
        return load_idx_folder(path, cache)
    if path.is_dir():
        raise DatasetError(
            f"{path}: not a data set; expected train/<class>/* and val/<class>/*, the Fashion-MNIST files, "
            "or those of CIFAR's binary version"
        )
    close = difflib.get_close_matches(str(path).lower(), DATASETS, n=1)
    hint = f"did you mean {close[0]!r}? " if close else ""
    raise DatasetError(f"no data set {str(path)!r}; {hint}expected a path or one of: {', '.join(DATASETS)}")


def _resized(splits: DatasetSplits, size: int) -> DatasetSplits:
    if splits.image_size == (size, size):
        return splits
    return replace(
        splits,
        train=ImageSet(resize_images(splits.train.images, size), splits.train.labels),
        test=ImageSet(resize_images(splits.test.images, size), splits.test.labels),
    )

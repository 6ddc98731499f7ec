"""Fashion-MNIST (Xiao, Rasul, Vollgraf 2017, MIT licence): 70,000 grey 28x28 pictures in ten classes.

Read from Debian's package ``dataset-fashion-mnist``, from ``$CRISP_DATA/fashion-mnist``, from the cache, or
downloaded into the cache from the authors' repository, in this order.
"""

import os
from pathlib import Path

import torch

from crisp_sw.data.dataset import DatasetSplits, ImageSet
from crisp_sw.data.files.download import RemoteFile, fetch
from crisp_sw.data.files.idx import read_idx
from crisp_sw.data.files.unpacked import load_unpacked
from crisp_sw.errors import DatasetError

NAME = "fashion-mnist"
CLASSES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)
MOST_PICTURES = 1 << 24
DEBIAN_FOLDER = Path("/usr/share/datasets/fashion-mnist")
MIRROR = "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion"
# MD5 sums from the table in the authors' README.
FILES = {
    "train-images-idx3-ubyte.gz": "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
    "train-labels-idx1-ubyte.gz": "25c81989df183df01b3e8a0aad5dffbe",
    "t10k-images-idx3-ubyte.gz": "bef4ecab320f06d8554ea6380940ec79",
    "t10k-labels-idx1-ubyte.gz": "bb300cfdad3c16e7a12a480ee83cd310",
}


def load_fashion_mnist(cache: Path, *, debian: Path = DEBIAN_FOLDER, mirror: str = MIRROR) -> DatasetSplits:
    """Find or download the four files and read them.

    Raises
    ------
    DatasetError : a file is damaged, or absent and cannot be downloaded.
    """
    local = [debian]
    if "CRISP_DATA" in os.environ:
        local.insert(0, Path(os.environ["CRISP_DATA"]) / NAME)
    for folder in local:
        if holds_idx_files(folder):
            return load_idx_folder(folder, cache)
    target = cache / NAME
    for name, md5 in FILES.items():
        fetch(RemoteFile(f"{mirror}/{name}", md5=md5), target / name)
    return load_idx_folder(target, cache)


def holds_idx_files(folder: Path) -> bool:
    """Whether ``folder`` has the four files of the MNIST family."""
    return all((folder / name).is_file() for name in FILES)


def load_idx_folder(folder: Path, cache: Path) -> DatasetSplits:
    """Read the four files in ``folder``, or map what an earlier call unpacked."""
    return load_unpacked([folder / name for name in FILES], cache, lambda: read_idx_folder(folder))


def read_idx_folder(folder: Path) -> DatasetSplits:
    """Read the four files in ``folder``.

    Raises
    ------
    DatasetError : a file is absent or damaged, or images and labels do not belong together.
    """
    return DatasetSplits(
        name=NAME,
        train=_read_split(folder, "train"),
        test=_read_split(folder, "t10k"),
        classes=CLASSES,
        class_ids=CLASSES,
    )


def _read_split(folder: Path, prefix: str) -> ImageSet:
    images = read_idx(folder / f"{prefix}-images-idx3-ubyte.gz", dimensions=3)
    path = folder / f"{prefix}-labels-idx1-ubyte.gz"
    labels = read_idx(path, dimensions=1, most=MOST_PICTURES)
    if len(labels) != len(images):
        raise DatasetError(f"{path}: {len(labels)} labels; expected {len(images)}, one for each image")
    if labels.max() >= len(CLASSES):
        raise DatasetError(f"{path}: label {labels.max()}; expected 0 to {len(CLASSES) - 1}")
    return ImageSet(torch.from_numpy(images)[:, None], torch.from_numpy(labels).long())

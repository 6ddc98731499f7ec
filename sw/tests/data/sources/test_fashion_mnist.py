"""Fashion-MNIST from a folder, from $CRISP_DATA, and by download, on files made here."""

import gzip
import hashlib
import struct

import numpy as np
import pytest
import torch

from crisp_sw.data.sources import fashion_mnist
from crisp_sw.data.sources.fashion_mnist import (
    CLASSES,
    FILES,
    load_fashion_mnist,
    load_idx_folder,
    read_idx_folder,
)
from crisp_sw.errors import DatasetError


def write_files(folder, *, train=6, test=3, label=9):
    folder.mkdir(parents=True)
    for prefix, count in (("train", train), ("t10k", test)):
        header = struct.pack(">BBBB3I", 0, 0, 8, 3, count, 28, 28)
        pixels = np.random.default_rng(count).integers(0, 256, count * 784, dtype=np.uint8)
        (folder / f"{prefix}-images-idx3-ubyte.gz").write_bytes(gzip.compress(header + pixels.tobytes()))
        labels = struct.pack(">BBBBI", 0, 0, 8, 1, count) + bytes([label] * count)
        (folder / f"{prefix}-labels-idx1-ubyte.gz").write_bytes(gzip.compress(labels))
    return folder


def test_folder_is_read(tmp_path):
    splits = read_idx_folder(write_files(tmp_path / "data"))
    assert splits.train.images.shape == (6, 1, 28, 28)
    assert splits.train.images.dtype == torch.uint8
    assert splits.test.labels.tolist() == [9, 9, 9]
    assert splits.classes == CLASSES
    assert (splits.channels, splits.image_size) == (1, (28, 28))


def test_files_are_unpacked_once(tmp_path, monkeypatch):
    folder, cache = write_files(tmp_path / "data"), tmp_path / "cache"
    first = load_idx_folder(folder, cache)
    monkeypatch.setattr(fashion_mnist, "read_idx_folder", None)
    assert torch.equal(load_idx_folder(folder, cache).train.images, first.train.images)


def test_data_variable_comes_first(tmp_path, monkeypatch):
    monkeypatch.setenv("CRISP_DATA", str(tmp_path))
    write_files(tmp_path / "fashion-mnist", train=4)
    debian = write_files(tmp_path / "debian", train=5)
    assert len(load_fashion_mnist(tmp_path / "cache", debian=debian).train) == 4


def test_missing_files_are_downloaded(tmp_path, monkeypatch):
    monkeypatch.delenv("CRISP_DATA", raising=False)
    remote = write_files(tmp_path / "remote")
    sums = {name: hashlib.md5((remote / name).read_bytes()).hexdigest() for name in FILES}
    monkeypatch.setattr(fashion_mnist, "FILES", sums)
    splits = load_fashion_mnist(tmp_path / "cache", debian=tmp_path / "absent", mirror=remote.as_uri())
    assert len(splits.train) == 6
    assert sorted(file.name for file in (tmp_path / "cache" / "fashion-mnist").iterdir()) == sorted(FILES)


def test_download_of_other_files_is_refused(tmp_path, monkeypatch):
    monkeypatch.delenv("CRISP_DATA", raising=False)
    remote = write_files(tmp_path / "remote")
    with pytest.raises(DatasetError, match=r"MD5 is \w+; expected 8d4fb7e6c68d591d4c3dfef9ec88bf0d"):
        load_fashion_mnist(tmp_path / "cache", debian=tmp_path / "absent", mirror=remote.as_uri())


def test_label_out_of_range_is_named(tmp_path):
    with pytest.raises(DatasetError, match="label 10; expected 0 to 9"):
        read_idx_folder(write_files(tmp_path / "data", label=10))


def test_images_without_labels_are_named(tmp_path):
    folder = write_files(tmp_path / "data", train=6, test=3)
    (folder / "t10k-labels-idx1-ubyte.gz").write_bytes((folder / "train-labels-idx1-ubyte.gz").read_bytes())
    with pytest.raises(DatasetError, match=r"t10k-labels-idx1-ubyte\.gz: 6 labels; expected 3"):
        read_idx_folder(folder)

"""CIFAR archives, binary version, on small ones made here."""

import hashlib
import io
import tarfile
from dataclasses import replace

import numpy as np
import pytest
import torch

from crisp_sw.data import cifar, load_dataset
from crisp_sw.data.cifar import CIFAR_10, CIFAR_100, layout_of, load_cifar, read_cifar_files
from crisp_sw.errors import DatasetError

NAMES = ("apple", "bee", "cat")


def record(layout, label, seed):
    pixels = np.random.default_rng(seed).integers(0, 256, 3072, dtype=np.uint8).tobytes()
    return bytes([1] * (layout.label_bytes - 1) + [label]) + pixels


def contents_of(layout):
    files = (*layout.train_files, layout.test_file)
    contents = {
        name: record(layout, index % 3, 2 * index) + record(layout, 2, 2 * index + 1)
        for index, name in enumerate(files)
    }
    return contents | {layout.classes_file: "\n".join(NAMES).encode() + b"\n\n"}


def write_archive(folder, layout, contents):
    path = folder / layout.archive
    with tarfile.open(path, "w:gz") as archive:
        for name, content in contents.items():
            member = tarfile.TarInfo(f"cifar/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


@pytest.mark.parametrize("layout", [CIFAR_10, CIFAR_100])
def test_archive_is_read(tmp_path, layout):
    contents = contents_of(layout)
    splits = read_cifar_files(write_archive(tmp_path, layout, contents), layout)
    count = len(layout.train_files)
    assert splits.classes == NAMES
    assert splits.train.images.shape == (2 * count, 3, 32, 32)
    assert splits.train.labels.tolist() == [label for index in range(count) for label in (index % 3, 2)]
    assert splits.test.labels.tolist() == [count % 3, 2]
    first = contents[layout.train_files[0]][layout.label_bytes : layout.label_bytes + 3072]
    assert splits.train.images[0].numpy().tobytes() == first


def test_archive_is_found_in_the_data_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("CRISP_DATA", str(tmp_path))
    write_archive(tmp_path, CIFAR_100, contents_of(CIFAR_100))
    assert len(load_cifar(CIFAR_100, tmp_path / "cache").train) == 2


def test_archive_is_downloaded(tmp_path, monkeypatch):
    monkeypatch.delenv("CRISP_DATA", raising=False)
    (tmp_path / "remote").mkdir()
    path = write_archive(tmp_path / "remote", CIFAR_10, contents_of(CIFAR_10))
    layout = replace(CIFAR_10, md5=hashlib.md5(path.read_bytes()).hexdigest())
    splits = load_cifar(layout, tmp_path / "cache", mirror=(tmp_path / "remote").as_uri())
    assert len(splits.train) == 10
    assert (tmp_path / "cache" / CIFAR_10.archive).is_file()


def test_archive_is_recognised_by_its_name(tmp_path):
    assert layout_of(tmp_path / "cifar-100-binary.tar.gz") is CIFAR_100
    assert layout_of(tmp_path / "cifar-100.zip") is None


@pytest.mark.parametrize("name", ["cifar-100-python.tar.gz", "cifar-100-python"])
def test_python_version_is_refused_with_the_reason(tmp_path, name):
    with pytest.raises(DatasetError, match=r"consists of pickles.*expected .*cifar-100-binary\.tar\.gz or"):
        load_dataset(tmp_path / name, cache=tmp_path / "cache")


@pytest.mark.parametrize("layout", [CIFAR_10, CIFAR_100])
def test_unpacked_files_are_the_same_as_the_archive(tmp_path, layout):
    contents = contents_of(layout)
    archive, folder = write_archive(tmp_path, layout, contents), tmp_path / "unpacked"
    folder.mkdir()
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    one, two = (load_dataset(path, cache=tmp_path / "cache") for path in (archive, folder))
    assert torch.equal(one.train.images, two.train.images)
    assert one.classes == two.classes
    (folder / layout.train_files[0]).unlink()
    with pytest.raises(DatasetError, match=rf"unpacked: holds no {layout.train_files[0]}; expected"):
        load_dataset(folder, cache=tmp_path / "cache")


def test_archive_is_unpacked_once(tmp_path, monkeypatch):
    archive = write_archive(tmp_path, CIFAR_100, contents_of(CIFAR_100))
    first = load_dataset(archive, cache=tmp_path / "cache")
    monkeypatch.setattr(cifar, "_extract", None)
    again = load_dataset(archive, cache=tmp_path / "cache")
    assert torch.equal(first.test.images, again.test.images)
    assert again.train.labels.tolist() == first.train.labels.tolist()
    assert (again.name, again.classes, again.ids) == ("cifar-100", NAMES, NAMES)


def test_absent_archive_is_named(tmp_path):
    with pytest.raises(DatasetError, match=r"cifar-10-binary\.tar\.gz: no such file"):
        read_cifar_files(tmp_path / CIFAR_10.archive, CIFAR_10)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.6, 0.99])
def test_truncated_archive_is_named(tmp_path, share):
    path = write_archive(tmp_path, CIFAR_100, contents_of(CIFAR_100))
    raw = path.read_bytes()
    path.write_bytes(raw[: int(len(raw) * share)])
    with pytest.raises(DatasetError, match=r"cifar-100-binary\.tar\.gz: "):
        read_cifar_files(path, CIFAR_100)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"train.bin": b"x" * 3073}, "train.bin: 3073 bytes; expected a multiple of 3074"),
        ({"test.bin": b""}, "test.bin: 0 bytes"),
        ({"test.bin": bytes([0, 3]) + bytes(3072)}, "test.bin: label 3; expected 0 to 2"),
    ],
)
def test_wrong_records_are_named(tmp_path, changed, message):
    path = write_archive(tmp_path, CIFAR_100, contents_of(CIFAR_100) | changed)
    with pytest.raises(DatasetError) as caught:
        read_cifar_files(path, CIFAR_100)
    assert f"{path}: {message}" in str(caught.value)


def test_missing_member_is_named(tmp_path):
    contents = contents_of(CIFAR_100)
    del contents["test.bin"]
    with pytest.raises(DatasetError, match=r"holds no test\.bin; expected a CIFAR archive, binary version"):
        read_cifar_files(write_archive(tmp_path, CIFAR_100, contents), CIFAR_100)

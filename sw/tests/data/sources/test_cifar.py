"""CIFAR archives, binary version, on small ones made here."""

import hashlib
import io
import os
import tarfile
from dataclasses import replace

import numpy as np
import pytest
import torch

from crisp_sw.data import load_dataset
from crisp_sw.data.sources import cifar
from crisp_sw.data.sources.cifar import (
    CIFAR_10,
    CIFAR_100,
    layout_of,
    load_cifar,
    load_cifar_files,
    read_cifar_files,
)
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


def published(layout, path):
    """The layout as if the archive at ``path`` were the published one."""
    return replace(layout, md5=hashlib.md5(path.read_bytes()).hexdigest())


@pytest.mark.parametrize("layout", [CIFAR_10, CIFAR_100])
def test_archive_is_read(tmp_path, layout):
    contents = contents_of(layout)
    path = write_archive(tmp_path, layout, contents)
    splits = read_cifar_files(path, published(layout, path))
    count = len(layout.train_files)
    assert splits.classes == NAMES
    assert splits.train.images.shape == (2 * count, 3, 32, 32)
    assert splits.train.labels.tolist() == [label for index in range(count) for label in (index % 3, 2)]
    assert splits.test.labels.tolist() == [count % 3, 2]
    first = contents[layout.train_files[0]][layout.label_bytes : layout.label_bytes + 3072]
    assert splits.train.images[0].numpy().tobytes() == first


def test_archive_is_found_in_the_data_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("CRISP_DATA", str(tmp_path))
    layout = published(CIFAR_100, write_archive(tmp_path, CIFAR_100, contents_of(CIFAR_100)))
    assert len(load_cifar(layout, tmp_path / "cache").train) == 2


def test_what_is_no_archive_in_the_data_folder_is_not_passed_over(tmp_path, monkeypatch):
    monkeypatch.setenv("CRISP_DATA", str(tmp_path))
    os.mkfifo(tmp_path / CIFAR_100.archive)
    with pytest.raises(
        DatasetError, match=r"cifar-100-binary\.tar\.gz: a named pipe; expected a regular file"
    ):
        load_cifar(CIFAR_100, tmp_path / "cache")


def test_archive_is_downloaded(tmp_path, monkeypatch):
    monkeypatch.delenv("CRISP_DATA", raising=False)
    (tmp_path / "remote").mkdir()
    path = write_archive(tmp_path / "remote", CIFAR_10, contents_of(CIFAR_10))
    splits = load_cifar(published(CIFAR_10, path), tmp_path / "cache", mirror=(tmp_path / "remote").as_uri())
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
    one, two = (read_cifar_files(path, published(layout, archive)) for path in (archive, folder))
    assert torch.equal(one.train.images, two.train.images)
    assert one.classes == two.classes
    (folder / layout.train_files[0]).unlink()
    with pytest.raises(DatasetError, match=rf"unpacked: holds no {layout.train_files[0]}; expected"):
        load_dataset(folder, cache=tmp_path / "cache")


def test_archive_is_unpacked_once(tmp_path, monkeypatch):
    archive = write_archive(tmp_path, CIFAR_100, contents_of(CIFAR_100))
    layout = published(CIFAR_100, archive)
    first = load_cifar_files(archive, layout, tmp_path / "cache")
    monkeypatch.setattr(cifar, "read_members", None)
    again = load_cifar_files(archive, layout, tmp_path / "cache")
    assert torch.equal(first.test.images, again.test.images)
    assert again.train.labels.tolist() == first.train.labels.tolist()
    assert (again.name, again.classes, again.ids) == ("cifar-100", NAMES, NAMES)


def test_absent_archive_is_named(tmp_path):
    with pytest.raises(DatasetError, match=r"cifar-10-binary\.tar\.gz: no such file"):
        read_cifar_files(tmp_path / CIFAR_10.archive, CIFAR_10)


def test_another_archive_of_the_name_is_refused(tmp_path):
    path = write_archive(tmp_path, CIFAR_100, contents_of(CIFAR_100))
    with pytest.raises(
        DatasetError,
        match=r"binary\.tar\.gz: MD5 is \w{32}; expected 03b5dce01913d631647c71ecec9e9cb8, as published for "
        r"https.*; if it was packed anew on purpose, unpack it and give the folder$",
    ):
        load_dataset(path, cache=tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


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
        (
            {"fine_label_names.txt": "bee\ncaf\u00e9\n".encode("latin-1")},
            "fine_label_names.txt: line 2 has the byte 0xe9, which is no UTF-8; expected UTF-8",
        ),
        (
            {"fine_label_names.txt": b"a b a"},
            "fine_label_names.txt: 3 names, 2 of them different; expected two or more",
        ),
        (
            {"fine_label_names.txt": b"\n"},
            "fine_label_names.txt: 0 names, 0 of them different; expected two or more",
        ),
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
    with pytest.raises(DatasetError, match=r"holds no test\.bin; expected train\.bin, test\.bin, fine_"):
        read_cifar_files(write_archive(tmp_path, CIFAR_100, contents), CIFAR_100)


@pytest.mark.parametrize("layout", [CIFAR_10, CIFAR_100])
def test_files_have_no_more_bytes_than_the_published_ones_together(tmp_path, layout):
    for name, content in contents_of(layout).items():
        (tmp_path / name).write_bytes(content)
    with open(tmp_path / layout.test_file, "ab") as file:
        file.truncate(60_001 * layout.record_bytes)
    with pytest.raises(
        DatasetError,
        match=rf"{layout.test_file}: \d+ bytes; expected at most {60_000 * layout.record_bytes}$",
    ):
        read_cifar_files(tmp_path, layout)

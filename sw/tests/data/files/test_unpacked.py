"""Unpacked data sets are kept: mapped, private to each reader, anew when a file changes, never half."""

import json
import os
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from crisp_sw.data import DatasetSplits, ImageSet
from crisp_sw.data.files.unpacked import HEADER_KEY, load_unpacked
from crisp_sw.errors import DatasetError
from crisp_sw.exchange.tensor_files import write_safetensors


@pytest.fixture
def file(tmp_path) -> Path:
    (tmp_path / "archive").write_bytes(b"packed")
    return tmp_path / "archive"


class Reader:
    """Counts how often it unpacks."""

    def __init__(self):
        self.times = 0

    def __call__(self) -> DatasetSplits:
        self.times += 1
        train, test = (
            ImageSet(torch.full((2, 1, 8, 8), 7, dtype=torch.uint8), torch.tensor([0, 1])) for _ in range(2)
        )
        return DatasetSplits(name="toy", train=train, test=test, classes=("a", "b"), class_ids=("1", "2"))


def test_second_call_maps_the_same_data(file, tmp_path):
    read = Reader()
    first, second = (load_unpacked([file], tmp_path / "cache", read) for _ in range(2))
    assert read.times == 1
    assert torch.equal(first.train.images, second.train.images)
    assert (second.name, second.classes, second.class_ids) == ("toy", ("a", "b"), ("1", "2"))
    second.train.images[0] = 99
    assert int(load_unpacked([file], tmp_path / "cache", read).train.images[0].max()) == 7


def test_changed_file_is_unpacked_again(file, tmp_path):
    read = Reader()
    load_unpacked([file], tmp_path / "cache", read)
    os.utime(file, (1, 1))
    load_unpacked([file], tmp_path / "cache", read)
    assert read.times == 2


def test_other_content_of_the_same_size_and_time_is_unpacked_again(file, tmp_path):
    read, status = Reader(), file.stat()
    load_unpacked([file], tmp_path / "cache", read)
    file.write_bytes(b"others")
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    load_unpacked([file], tmp_path / "cache", read)
    assert read.times == 2


def test_cache_that_cannot_be_written_does_not_matter(file, tmp_path):
    (tmp_path / "cache").write_text("in the way")
    assert len(load_unpacked([file], tmp_path / "cache", Reader()).train) == 2


def test_damaged_cache_is_named(file, tmp_path):
    load_unpacked([file], tmp_path / "cache", Reader())
    (cached,) = tmp_path.glob("cache/unpacked/*")
    cached.write_bytes(cached.read_bytes()[:-5])
    with pytest.raises(DatasetError, match=rf"{cached.name}: damaged cache .*; remove it and try again"):
        load_unpacked([file], tmp_path / "cache", Reader())


@pytest.mark.parametrize("header", ["{}", "[" * 100_000, "[]"])
def test_cache_with_another_header_is_named(file, tmp_path, header):
    load_unpacked([file], tmp_path / "cache", Reader())
    (cached,) = tmp_path.glob("cache/unpacked/*")
    save_file(load_file(cached), cached, {HEADER_KEY: header})


@pytest.mark.parametrize(
    "header",
    ["[" * 100_000, "7", "{}", json.dumps({"name": "toy", "classes": "ab", "class_ids": ["1", "2"]})],
)
def test_header_that_is_none_is_a_damaged_cache(file, tmp_path, header):
    load_unpacked([file], tmp_path / "cache", Reader())
    (cached,) = tmp_path.glob("cache/unpacked/*")
    tensors = {
        f"{part}.{kind}": value.clone()
        for part in ("train", "test")
        for kind, value in (("images", torch.zeros(2, 1, 8, 8)), ("labels", torch.tensor([0, 1])))
    }
    write_safetensors(cached, tensors, {"data set": header})
    with pytest.raises(DatasetError, match=rf"{cached.name}: damaged cache .*; remove it and try again"):
        load_unpacked([file], tmp_path / "cache", Reader())

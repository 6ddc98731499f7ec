"""Data sets by name and path."""

import errno
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from crisp_sw.data import load_dataset
from crisp_sw.errors import DatasetError


def test_name_ignores_case_and_underscores():
    assert load_dataset("DIGITS").name == "digits"


def test_images_are_scaled_to_the_wanted_size():
    for size in (32, np.int64(32)):
        splits = load_dataset("digits", image_size=size)  # pyright: ignore[reportArgumentType]
        assert splits.image_size == (32, 32)
    assert load_dataset("digits").image_size == (28, 28)


def test_image_folder_is_loaded_by_path(tmp_path):
    for split in ("train", "test"):
        for name in ("a", "b"):
            (tmp_path / "toy" / split / name).mkdir(parents=True)
            Image.new("L", (16, 16), 50).save(tmp_path / "toy" / split / name / "0.png")
    splits = load_dataset(tmp_path / "toy", cache=tmp_path / "cache", image_size=12)
    assert (splits.name, splits.classes, splits.image_size) == ("toy", ("a", "b"), (12, 12))


@pytest.mark.parametrize(("split", "kind"), [("train", "training"), ("val", "test")])
@pytest.mark.parametrize("unreadable", ["refuse", "skip"])
def test_a_class_without_pictures_is_refused_before_and_after_decoding(tmp_path, split, kind, unreadable):
    for path in (f"{part}/{name}/{n}.png" for part in ("train", "val") for name in "abc" for n in range(2)):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (16, 16), 50).save(tmp_path / path)
    for picture in (tmp_path / split / "b").iterdir():
        picture.write_bytes(b"no picture")
    message = rf"no {kind} picture of 'b'; expected at least one of every class$"
    with pytest.raises(DatasetError, match=message if unreadable == "skip" else "damaged"):
        load_dataset(tmp_path, cache=tmp_path / "cache", unreadable=unreadable)
    shutil.rmtree(tmp_path / "cache")
    for name in "bc":
        for picture in (tmp_path / split / name).iterdir():
            picture.unlink()
    with pytest.raises(DatasetError, match=f"no {kind} picture of 'b' and 1 more; expected"):
        load_dataset(tmp_path, cache=tmp_path / "cache", unreadable=unreadable)
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("fashon-mnist", "no data set 'fashon-mnist'; did you mean 'fashion-mnist'?"),
        ("nowhere/at/all", "expected a path or one of: fashion-mnist, cifar-10, cifar-100, digits"),
    ],
)
def test_unknown_name_is_explained(name, message):
    with pytest.raises(DatasetError) as caught:
        load_dataset(name)
    assert message in str(caught.value)


def test_other_file_and_folder_are_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(DatasetError, match=r"notes\.txt: expected a folder, or one of cifar-10-binary"):
        load_dataset(tmp_path / "notes.txt")
    with pytest.raises(DatasetError, match="not a data set; expected train/<class>"):
        load_dataset(tmp_path)


@pytest.mark.parametrize("size", [4, True, 32.5, "32"])
def test_image_size_that_is_none_is_refused(size):
    with pytest.raises(DatasetError, match=f"`image_size` must be an integer of at least 8, not {size!r}"):
        load_dataset("digits", image_size=size)


@pytest.fixture
def folder(tmp_path):
    for path in (f"{split}/{name}/0.png" for split in ("train", "val") for name in "ab"):
        (tmp_path / "toy" / path).parent.mkdir(parents=True)
        Image.new("L", (9, 5), 50).save(tmp_path / "toy" / path)
    return tmp_path / "toy"


def test_small_pictures_need_a_size(folder, tmp_path):
    with pytest.raises(DatasetError, match="toy: images of 5 x 5 pixels; expected at least 8 x 8: choose an"):
        load_dataset(folder, cache=tmp_path / "cache")
    assert load_dataset(folder, cache=tmp_path / "cache", image_size=8).image_size == (8, 8)


def test_what_the_system_refuses_is_one_sentence(folder, tmp_path, monkeypatch):
    def load(path=folder, cache=tmp_path / "cache"):
        load_dataset(path, cache=cache, image_size=8)

    with pytest.raises(DatasetError, match=r": File name too long$"):
        load("x" * 5000)
    (tmp_path / "in the way").touch()
    with pytest.raises(DatasetError, match=r"in the way.*: Not a directory$"):
        load(cache=tmp_path / "in the way")
    (folder / "train" / "loop").symlink_to("loop")
    with pytest.raises(DatasetError, match=r"train/loop: Too many levels of symbolic links$"):
        load()
    (folder / "train" / "loop").unlink()
    (folder / "train" / "a" / "more").mkdir()
    scan = os.scandir

    def forbid(path):
        if Path(path).name == "more":
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", forbid)
    with pytest.raises(DatasetError, match=r"train/a/more: Permission denied$"):
        load()

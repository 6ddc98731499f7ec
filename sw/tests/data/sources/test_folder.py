"""ImageNet-style folders made here: classes, cutting to squares, cache, damage."""

import os

import numpy as np
import pytest
import torch
from PIL import Image

from crisp_sw.data.sources.folder import load_image_folder
from crisp_sw.errors import DatasetError


def write_picture(path, color, size=(12, 10)):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, color).save(path)


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "toy"
    for label, identifier in enumerate(("n01", "n02")):
        for number in range(3):
            write_picture(root / "train" / identifier / f"{number}.png", (label * 100, number, 7))
        write_picture(root / "val" / identifier / "images" / "a.JPEG", (label * 100, 0, 7))
    (root / "classes.tsv").write_text("n02\tsecond, other\nn01\tfirst\n")
    return root


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache"


def test_pictures_and_names_are_read(folder, cache):
    splits = load_image_folder(folder, cache)
    assert splits.name == "toy"
    assert splits.class_ids == ("n01", "n02")
    assert splits.classes == ("first", "second, other")
    assert splits.train.images.shape == (6, 3, 10, 10)
    assert splits.train.images.dtype == torch.uint8
    assert splits.train.labels.tolist() == [0, 0, 0, 1, 1, 1]
    assert splits.test.labels.tolist() == [0, 1]
    assert splits.train.images[4, :, 5, 5].tolist() == [100, 1, 7]


def test_middle_of_a_wide_picture_is_kept(folder, cache):
    pixels = np.zeros((8, 24, 3), np.uint8)
    pixels[:, 8:16] = 200
    Image.fromarray(pixels).save(folder / "train" / "n01" / "0.png")
    images = load_image_folder(folder, cache, image_size=8).train.images
    assert torch.equal(images[0], torch.full((3, 8, 8), 200, dtype=torch.uint8))


def test_second_load_reads_the_cache_only(folder, cache, monkeypatch):
    first = load_image_folder(folder, cache)
    monkeypatch.setattr("crisp_sw.data.files.decoding.decode_picture", None)
    second = load_image_folder(folder, cache)
    assert torch.equal(first.train.images, second.train.images)
    second.train.images[0] = 99
    assert torch.equal(load_image_folder(folder, cache).train.images, first.train.images)


def test_changed_folder_is_decoded_again(folder, cache):
    load_image_folder(folder, cache)
    picture = folder / "train" / "n01" / "0.png"
    write_picture(picture, (1, 2, 3))
    os.utime(picture, (1, 1))
    assert load_image_folder(folder, cache).train.images[0, :, 0, 0].tolist() == [1, 2, 3]


def test_damaged_picture_is_named_and_no_cache_of_its_split_is_left(folder, cache):
    picture = folder / "val" / "n02" / "images" / "a.JPEG"
    picture.write_bytes(picture.read_bytes()[:300])
    with pytest.raises(DatasetError, match=r"a\.JPEG: damaged or truncated picture"):
        load_image_folder(folder, cache)
    assert {file.name for file in cache.rglob("*") if file.is_file()} == {
        "train.npy",
        "train.unreadable.json",
    }


def test_damaged_pictures_are_left_out_and_named_if_wanted(folder, cache):
    (folder / "train" / "n01" / "0.png").write_bytes(b"no picture")
    for _ in range(2):  # decoded, then from the cache
        splits = load_image_folder(folder, cache, unreadable="skip")
        assert splits.train.labels.tolist() == [0, 0, 1, 1, 1]
        assert splits.train.images[0, :, 0, 0].tolist() == [0, 1, 7]
        assert len(splits.skipped) == 1
        assert "0.png: damaged or truncated picture" in splits.skipped[0]
    with pytest.raises(DatasetError, match=r"0\.png: damaged or truncated picture"):
        load_image_folder(folder, cache)


def test_files_of_unknown_kinds_are_refused_or_named(folder, cache):
    write_picture(folder / "train" / "n01" / "3.tif", (0, 0, 0))
    (folder / "val" / "n02" / ".DS_Store").touch()
    message = r"n01/3\.tif: no picture of a known kind; expected one of .*, or `unreadable` skip to leave"
    with pytest.raises(DatasetError, match=message):
        load_image_folder(folder, cache)
    assert not cache.exists()
    splits = load_image_folder(folder, cache, unreadable="skip")
    assert len(splits.train) == 6
    (skipped,) = splits.skipped
    assert "n01/3.tif: no picture of a known kind" in skipped


def test_a_pipe_among_the_pictures_is_refused_or_left_out_without_waiting(folder, cache):
    os.mkfifo(folder / "train" / "n01" / "3.png")
    with pytest.raises(DatasetError, match=r"n01/3\.png: a named pipe; expected a regular file"):
        load_image_folder(folder, cache)
    splits = load_image_folder(folder, cache, unreadable="skip")
    assert len(splits.train) == 6
    assert [message.rpartition("/")[2] for message in splits.skipped] == [
        "3.png: a named pipe; expected a regular file"
    ]


def test_names_of_files_need_not_be_text(folder, cache):
    os.rename(folder / "train" / "n01" / "0.png", os.fsencode(folder / "train" / "n01") + b"/caf\xe9.png")
    assert len(load_image_folder(folder, cache).train) == 6


def test_split_without_any_readable_picture_is_refused(folder, cache):
    for file in folder.glob("val/*/images/*"):
        file.write_bytes(b"no picture")
    with pytest.raises(DatasetError, match=r"no test picture can be read; the first problem: .*damaged"):
        load_image_folder(folder, cache, unreadable="skip")


def test_unknown_treatment_is_named(folder, cache):
    with pytest.raises(DatasetError, match="`unreadable` must be one of refuse, skip, not 'ignore'"):
        load_image_folder(folder, cache, unreadable="ignore")  # pyright: ignore[reportArgumentType]


def test_tiny_imagenet_as_published_is_read(folder, cache):
    for identifier in ("n01", "n02"):
        (folder / "val" / identifier / "images" / "a.JPEG").unlink()
        (folder / "val" / identifier / "images").rmdir()
        (folder / "val" / identifier).rmdir()
    for number, color in enumerate([(9, 9, 9), (8, 8, 8)]):
        write_picture(folder / "val" / "images" / f"val_{number}.png", color)
    annotations = folder / "val" / "val_annotations.txt"
    annotations.write_text(
        "val_0.png\tn02\t0\t0\t9\t9\nval_1.png\tn01\t0\t0\t9\t9\nval_2.png\tn01\t0\t0\t9\t9\n"
    )
    (folder / "classes.tsv").rename(folder / "words.txt")
    with pytest.raises(DatasetError, match=r"val_2\.png: missing picture"):
        load_image_folder(folder, cache)
    splits = load_image_folder(folder, cache, unreadable="skip")
    assert splits.test.labels.tolist() == [0, 1]
    assert splits.test.images[:, 0, 0, 0].tolist() == [8, 9]
    assert splits.classes == ("first", "second, other")
    assert [message.endswith("val_2.png: missing picture") for message in splits.skipped] == [True]


def test_damaged_cache_is_named(folder, cache):
    load_image_folder(folder, cache)
    for file in cache.rglob("train.npy"):
        file.write_bytes(file.read_bytes()[:500])
    with pytest.raises(DatasetError, match=r"train\.npy: damaged cache"):
        load_image_folder(folder, cache)


def test_class_of_val_that_is_not_in_train_is_named(folder, cache):
    write_picture(folder / "val" / "n03" / "a.png", (0, 0, 0))
    with pytest.raises(DatasetError, match="n03: expected only classes that are in train too"):
        load_image_folder(folder, cache)


def test_single_class_is_refused(tmp_path, cache):
    write_picture(tmp_path / "one" / "train" / "a" / "0.png", (0, 0, 0))
    (tmp_path / "one" / "val").mkdir()
    with pytest.raises(DatasetError, match="1 class folders; expected at least 2"):
        load_image_folder(tmp_path / "one", cache)


def test_empty_split_is_named(folder, cache):
    for file in folder.glob("val/*/images/*"):
        file.unlink()
    with pytest.raises(DatasetError, match="val: no pictures; expected files such as"):
        load_image_folder(folder, cache)


def test_bad_line_of_the_name_table_is_named(folder, cache):
    (folder / "classes.tsv").write_text("n01\tfirst\nn02 second\n")
    with pytest.raises(DatasetError, match="line 2 is 'n02 second'; expected an id, a tab and a name"):
        load_image_folder(folder, cache)

"""Decoding in processes, the cache, and pictures that cannot be read."""

from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from crisp_sw.data.files import decoding
from crisp_sw.data.files.decoding import decode_cached
from crisp_sw.errors import DatasetError


@pytest.fixture
def files(tmp_path):
    paths = [tmp_path / f"{number}.png" for number in range(5)]
    for number, path in enumerate(paths):
        Image.new("RGB", (9, 8), (number, 0, 0)).save(path)
    return paths


@pytest.mark.parametrize("workers", [1, 2])
def test_workers_fill_one_array(files, tmp_path, workers, monkeypatch):
    monkeypatch.setattr(decoding, "CHUNK", 2)
    files[3].write_bytes(b"no picture")
    decoded = decode_cached(files, 8, tmp_path / "cache" / "x.npy", workers=workers, strict=False)
    assert decoded.images[:, 0, 0, 0].tolist() == [0, 1, 2, 0, 4]
    assert [index for index, _ in decoded.problems] == [3]
    assert sorted(file.name for file in (tmp_path / "cache").iterdir()) == ["x.npy", "x.unreadable.json"]


def test_error_of_a_worker_arrives_and_nothing_is_left(files, tmp_path):
    files[1].unlink()
    with pytest.raises(DatasetError, match=r"1\.png: missing picture"):
        decode_cached(files, 8, tmp_path / "cache" / "x.npy", workers=2)
    assert list((tmp_path / "cache").iterdir()) == []


def test_changes_of_the_array_do_not_reach_the_cache(files, tmp_path):
    decode_cached(files, 8, tmp_path / "x.npy").images[:] = 7
    assert np.load(tmp_path / "x.npy")[4, 0, 0, 0] == 4


@pytest.mark.parametrize("content", ["", "{}1", "[[1]]", "[" * 100_000])
def test_damaged_list_of_problems_is_named(files, tmp_path, content):
    decode_cached(files, 8, tmp_path / "x.npy")
    (tmp_path / "x.unreadable.json").write_text(content)
    with pytest.raises(DatasetError, match=r"x\.unreadable\.json: damaged cache"):
        decode_cached(files, 8, tmp_path / "x.npy")


def test_array_of_another_shape_is_refused(files, tmp_path):
    decode_cached(files, 8, tmp_path / "x.npy")
    with pytest.raises(DatasetError, match="cache of another shape"):
        decode_cached(files[:3], 8, tmp_path / "x.npy")


def test_array_that_exceeds_the_disk_is_refused(files, tmp_path, monkeypatch):
    monkeypatch.setattr(decoding.shutil, "disk_usage", lambda _: SimpleNamespace(free=5 * 3 * 10**2))
    with pytest.raises(
        DatasetError, match=r"^`image_size` must be at most 10, not 11: 5 pictures of more pixels exceed"
    ):
        decode_cached(files, 11, tmp_path / "cache" / "x.npy")
    assert list((tmp_path / "cache").iterdir()) == []
    assert decode_cached(files, 10, tmp_path / "cache" / "x.npy").images.shape == (5, 3, 10, 10)

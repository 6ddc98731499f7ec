"""The digest of a data set: the same for the same content, another for any other."""

from dataclasses import replace

import pytest
import torch

from crisp_sw.data import DatasetSplits, ImageSet
from crisp_sw.data import digest as module
from crisp_sw.data.digest import data_digest


def splits():
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (9, 3, 4, 4), generator=generator, dtype=torch.uint8)
    part = ImageSet(images, torch.arange(9) % 2)
    return DatasetSplits(name="a", train=part, test=part, classes=("cat", "dog"))


def with_pixel(part, image):
    images = part.images.clone()
    images[image, 0, 0, 0] += 1
    return replace(part, images=images)


def test_same_content_under_another_name_has_the_same_digest():
    assert data_digest(replace(splits(), name="b")) == data_digest(splits())


@pytest.mark.parametrize("chunk", [2, 1024])
def test_any_other_content_has_another_digest(chunk, monkeypatch):
    monkeypatch.setattr(module, "CHUNK_IMAGES", chunk)
    one = splits()
    others = [
        replace(one, classes=("cat", "cow")),
        replace(one, train=replace(one.train, labels=one.train.labels.flip(0) * 0)),
        replace(one, test=ImageSet(one.test.images[:8], one.test.labels[:8])),
        *(replace(one, train=with_pixel(one.train, image)) for image in range(9)),
        *(replace(one, test=with_pixel(one.test, image)) for image in range(9)),
    ]
    assert len({data_digest(each) for each in (one, *others)}) == 1 + len(others)


def test_of_very_many_images_an_even_sample_is_read(monkeypatch):
    monkeypatch.setattr(module, "MOST_BYTES", 9 * 48 // 2)
    one = splits()
    digests = [data_digest(replace(one, train=with_pixel(one.train, image))) for image in range(9)]
    assert [digest == data_digest(one) for digest in digests] == [False, True] * 4 + [False]


def test_chunks_do_not_change_it(monkeypatch):
    expected = data_digest(splits())
    monkeypatch.setattr(module, "CHUNK_IMAGES", 2)
    assert data_digest(splits()) == expected

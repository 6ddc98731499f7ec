"""Random images: normalised, seeded, structured at every scale."""

import numpy as np
import torch
import torch.nn.functional as F

from crisp_golden.arithmetic.network import QuantizedNetwork
from crisp_sw.synthetic import example_input, random_images


def test_images_are_normalised_and_seeded():
    images = random_images(3, (3, 40, 24), seed=5)
    assert images.shape == (3, 3, 40, 24)
    assert images.dtype == torch.float32
    torch.testing.assert_close(images.mean(dim=(2, 3)), torch.zeros(3, 3), atol=1e-4, rtol=0)
    torch.testing.assert_close(images.std(dim=(2, 3)), torch.ones(3, 3), atol=1e-2, rtol=0)
    assert torch.equal(images, random_images(3, (3, 40, 24), seed=5))
    assert not torch.equal(images, random_images(3, (3, 40, 24), seed=6))
    assert not torch.equal(images[0], images[1])


def test_coarse_structure_does_not_average_out():
    images = random_images(4, (3, 64, 64), seed=0)
    white = torch.randn(4, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    assert F.avg_pool2d(images, 16).std() > 4 * F.avg_pool2d(white, 16).std()


def test_one_pixel():
    assert random_images(2, (1, 1, 1), seed=0).shape == (2, 1, 1, 1)


def test_example_input_has_the_type_and_range_of_the_network():
    network = QuantizedNetwork(nodes=(), input_shape=(3, 32, 32), input_scale=0.03, input_zero_point=4)
    x = example_input(network, count=2, seed=3)
    assert x.shape == (2, 3, 32, 32)
    assert x.dtype == np.int8
    assert abs(float(x.mean()) - 4) < 3
    assert 25 < x.std() < 40
    assert np.array_equal(x, example_input(network, count=2, seed=3))

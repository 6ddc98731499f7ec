"""Networks are asked whether they take images of a size, and nothing of them changes."""

import pytest
import torch
from torch import nn

from crisp_sw.errors import ModelError
from crisp_sw.models import build_model
from crisp_sw.models.image_check import require_images


def test_size_that_a_network_takes_leaves_no_trace():
    model = build_model("small-resnet", in_channels=1, num_classes=3)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    state = torch.get_rng_state()
    require_images(model, "small-resnet", channels=1, size=(8, 12))
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("size", [(8, 8), (4, 100)])
def test_size_that_is_too_small_is_named(size):
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.MaxPool2d(4), nn.MaxPool2d(4))
    height, width = size
    message = rf"^toy cannot take images of {height} x {width} pixels \(.*\)$"
    with pytest.raises(ModelError, match=message) as caught:
        require_images(model, "toy", channels=1, size=size)
    assert "\n" not in str(caught.value)

"""Layers that the array cannot run are refused by their names, convolution and pooling alike."""

from dataclasses import replace

import numpy as np
import pytest

from crisp_golden.arithmetic.network import MaxPool, QuantizedConv
from crisp_golden.pack.workload import layer_workload
from crisp_golden.stimuli.random_conv import random_conv
from crisp_spec.config import preset
from crisp_spec.errors import LayerError

TINY = preset("tiny")
CONV = random_conv(np.random.default_rng(0), (2, 8, 3, 3), name="conv")
POOL = MaxPool(name="pool", kernel=3, stride=2, padding=1)


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (replace(CONV, stride=3), "conv: stride 3 is not supported by the core, expected 1 or 2"),
        (replace(POOL, stride=3), "pool: stride 3 is not supported by the core, expected 1 or 2"),
        (replace(POOL, stride=0), "pool: stride must be at least 1, not 0"),
        (replace(POOL, kernel=0), "pool: kernel must be at least 1, not 0"),
        (replace(POOL, padding=-1), "pool: padding must be from 0 to half the kernel (1), not -1"),
        (replace(POOL, padding=2), "pool: padding must be from 0 to half the kernel (1), not 2"),
    ],
)
def test_an_illegal_layer_is_named(layer: QuantizedConv | MaxPool, message: str):
    assert layer_workload(TINY, CONV, 8).name == "conv"
    assert layer_workload(TINY, POOL, 8).name == "pool"
    with pytest.raises(LayerError) as caught:
        layer_workload(TINY, layer, 8)
    assert str(caught.value) == message

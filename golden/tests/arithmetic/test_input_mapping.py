"""A rewritten first layer computes from the rearranged image what the layer computes from the image."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crisp_golden.arithmetic.convolution import run_conv
from crisp_golden.arithmetic.input_mapping import InputMapping
from crisp_golden.stimuli.random_conv import random_int8
from crisp_golden.stimuli.shaped_layers import ConvShape, random_layer


@settings(max_examples=150, deadline=None, derandomize=True)
@given(data=st.data(), seed=st.integers(0, 1 << 32))
def test_rewriting_changes_nothing(data: st.DataObject, seed: int):
    rng = np.random.default_rng(seed)
    kernel = data.draw(st.tuples(st.integers(1, 7), st.integers(1, 7)))
    stride = data.draw(st.integers(1, 4))
    padding = (data.draw(st.integers(0, kernel[0])), data.draw(st.integers(0, kernel[1])))
    channels = data.draw(st.integers(1, 4))
    size = [data.draw(st.integers(max(1, k - 2 * p), 15)) for k, p in zip(kernel, padding, strict=True)]
    shape = ConvShape(kernel=kernel, stride=stride, padding=padding, channels_per_group=channels, n=4)
    layer = random_layer(rng, shape)
    x = random_int8(rng, channels, *size)
    mapping = InputMapping(
        channels=channels,
        height=size[0],
        width=size[1],
        kernel=kernel,
        stride=stride,
        padding=padding,
        patches=data.draw(st.tuples(st.booleans(), st.booleans())),
        pixel_channels=channels + data.draw(st.integers(0, 2)),
        fill=layer.x_zero_point,
    )
    mapped = mapping.apply(x)
    assert mapped.shape == mapping.shape
    expected = run_conv(layer, x[None])
    np.testing.assert_array_equal(run_conv(mapping.rewrite(layer), mapped[None]), expected)


@pytest.mark.parametrize(
    ("patches", "shape"),
    [((False, False), (12, 115, 115)), ((True, True), (147, 112, 112)), ((False, True), (42, 115, 112))],
)
def test_shapes_of_the_first_layer_of_a_resnet(patches: tuple[bool, bool], shape: tuple[int, int, int]):
    mapping = InputMapping(
        channels=3,
        height=224,
        width=224,
        kernel=(7, 7),
        stride=2,
        padding=(3, 3),
        patches=patches,
        pixel_channels=3,
        fill=0,
    )
    assert mapping.shape == shape

"""Networks that tests of QDQ ONNX share."""

from dataclasses import replace
from functools import cache

import numpy as np
import torch

from crisp_golden.arithmetic.fixed_point import quantize_residual_multiplier
from crisp_golden.arithmetic.inference import INPUT, quantize_input, run_network
from crisp_golden.arithmetic.network import QuantizedConv, QuantizedNetwork, ResidualInput
from crisp_golden.stimuli.random_networks import random_network
from crisp_sw.models import build_model
from crisp_sw.quantize import quantize_model
from crisp_sw.synthetic import random_images

IMAGE_SIZE = 16


@cache
def quantized(name: str) -> QuantizedNetwork:
    """A model of the package with random weights, quantized for images of 16 x 16 pixels."""
    torch.manual_seed(0)
    model = build_model(name, in_channels=3, num_classes=7, **({"width": 1 / 8} if "32px" in name else {}))
    images = random_images(24, (3, IMAGE_SIZE, IMAGE_SIZE), seed=1)
    model.train()(images)  # so that BatchNorm has statistics of its own
    return quantize_model(model, images, classes=tuple("abcdefg"))


@cache
def random_qdq_network(seed: int) -> QuantizedNetwork:
    """A random network of golden's tests, with one zero point and one residual scale per tensor."""
    network, rng = random_network(seed), np.random.default_rng(seed)
    zero_points, nodes = {INPUT: network.input_zero_point}, []
    for node in network.nodes:
        layer, source = node.layer, zero_points[node.inputs[0]]
        zero_points[node.name] = source
        if isinstance(layer, QuantizedConv):
            zero_points[node.name] = layer.y_zero_point
            residual = layer.residual
            if residual is not None:
                scale = np.full(layer.out_channels, rng.uniform(0.3, 3))
                multiplier, shift = quantize_residual_multiplier(scale, layer.shift)
                zero_point = zero_points[node.inputs[1]]
                residual = ResidualInput(zero_point=zero_point, multiplier=multiplier, shift=shift)
            layer = replace(layer, x_zero_point=source, residual=residual)
        nodes.append(replace(node, layer=layer))
    return replace(network, nodes=tuple(nodes))


def images(count: int, seed: int = 2) -> np.ndarray:
    """float32[count, 3, 16, 16]."""
    return random_images(count, (3, IMAGE_SIZE, IMAGE_SIZE), seed=seed).numpy()


def real_outputs(network: QuantizedNetwork, images: np.ndarray) -> np.ndarray:
    """Real values float64[N, K * H * W] of the last layer."""
    last = network.nodes[-1]
    assert isinstance(last.layer, QuantizedConv)
    codes = run_network(network, quantize_input(network, images))[last.name].reshape(len(images), -1)
    return (codes.astype(float) - last.layer.y_zero_point) * network.scales[last.name]


def assert_same_arithmetic(one: QuantizedNetwork, other: QuantizedNetwork) -> None:
    """Every parameter of every layer is equal, bit for bit; patterns are not compared."""
    assert (one.input_shape, one.input_zero_point) == (other.input_shape, other.input_zero_point)
    assert np.float32(one.input_scale) == np.float32(other.input_scale)
    assert len(one.nodes) == len(other.nodes)
    for a, b in zip(one.nodes, other.nodes, strict=True):
        assert (a.name, a.inputs, type(a.layer)) == (b.name, b.inputs, type(b.layer))
        if not isinstance(a.layer, QuantizedConv) or not isinstance(b.layer, QuantizedConv):
            assert a.layer == b.layer
            continue
        for name in ("weight", "bias", "multiplier", "shift"):
            _assert_equal_arrays(getattr(a.layer, name), getattr(b.layer, name), f"{a.name}.{name}")
        for name in ("stride", "padding", "groups", "x_zero_point", "y_zero_point", "q_min", "q_max"):
            assert getattr(a.layer, name) == getattr(b.layer, name), f"{a.name}.{name}"
        assert (a.layer.residual is None) == (b.layer.residual is None)
        if a.layer.residual is not None and b.layer.residual is not None:
            assert a.layer.residual.zero_point == b.layer.residual.zero_point
            for name in ("multiplier", "shift"):
                _assert_equal_arrays(getattr(a.layer.residual, name), getattr(b.layer.residual, name), a.name)


def _assert_equal_arrays(one: np.ndarray, other: np.ndarray, what: str) -> None:
    assert one.dtype == other.dtype, what
    assert np.array_equal(one, other), what

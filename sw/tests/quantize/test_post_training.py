"""Whole models: the integer network decides as the float model does."""

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn

from crisp_golden.errors import PatternError
from crisp_golden.inference import predict, quantize_input, run_network
from crisp_golden.network import MaxPool, Pattern, QuantizedConv
from crisp_sw.models import build_model
from crisp_sw.quantize import CalibrationError, QuantizeSettings, UnsupportedModelError, quantize_model


def digits() -> tuple[Tensor, Tensor]:
    pixels, labels = load_digits(return_X_y=True)
    images = torch.tensor(pixels, dtype=torch.float32).reshape(-1, 1, 8, 8) / 8 - 1
    return images, torch.tensor(labels)


def digits_model() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1, bias=False),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1),
        nn.ReLU6(),
        nn.Flatten(),
        nn.Linear(32 * 4 * 4, 10),
    )


@pytest.fixture(scope="module")
def trained() -> nn.Sequential:
    model, (images, labels) = digits_model(), digits()
    optimizer = torch.optim.Adam(model.parameters(), 0.01)
    generator = torch.Generator().manual_seed(1)
    for _ in range(120):
        batch = torch.randint(0, 1300, (64,), generator=generator)
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(images[batch]), labels[batch]).backward()
        optimizer.step()
    return model.eval()


@pytest.mark.parametrize("method", ["minmax", "percentile", "mse"])
def test_int8_accuracy_on_digits_equals_the_float_one(trained, method):
    images, labels = digits()
    network = quantize_model(trained, images[:256], settings=QuantizeSettings(method=method))
    test = slice(1300, None)
    with torch.no_grad():
        float_accuracy = (trained(images[test]).argmax(1) == labels[test]).double().mean().item()
    int8_accuracy = np.mean(predict(network, images[test].numpy()) == labels[test].numpy())
    assert float_accuracy > 0.9
    assert int8_accuracy >= float_accuracy - 0.01


@pytest.mark.parametrize("name", ["small-resnet", "small-mobilenet-v2"])
def test_outputs_of_residual_networks_are_close_to_the_float_ones(name):
    torch.manual_seed(0)
    model, images = build_model(name, in_channels=1, num_classes=7), torch.randn(24, 1, 16, 16)
    model.train()(images)  # so that BatchNorm has statistics of its own
    network = quantize_model(model, images, classes=tuple("abcdefg"))
    tensors = run_network(network, quantize_input(network, images.numpy()))
    with torch.no_grad():
        expected = model(images).flatten()
    result = torch.tensor(tensors[network.nodes[-1].name].reshape(-1).astype(np.float32))
    assert torch.corrcoef(torch.stack([expected, result]))[0, 1] > 0.98
    assert network.classes == tuple("abcdefg")
    assert network.input_shape == (1, 16, 16)


def test_layers_have_module_names_and_max_pooling_keeps_the_code(trained):
    network = quantize_model(trained, digits()[0][:32])
    assert [node.name for node in network.nodes] == ["0", "3", "4", "7"]
    assert [node.inputs for node in network.nodes] == [("input",), ("0",), ("3",), ("4",)]
    first, pool, second, linear = (node.layer for node in network.nodes)
    assert isinstance(pool, MaxPool)
    assert isinstance(first, QuantizedConv)
    assert isinstance(second, QuantizedConv)
    assert isinstance(linear, QuantizedConv)
    assert second.x_zero_point == first.y_zero_point
    assert linear.kernel == (4, 4)


def test_calibration_is_deterministic(trained):
    networks = [quantize_model(trained, digits()[0][:64]) for _ in range(2)]
    for one, two in zip(networks[0].nodes, networks[1].nodes, strict=True):
        if isinstance(one.layer, QuantizedConv):
            assert isinstance(two.layer, QuantizedConv)
            assert np.array_equal(one.layer.multiplier, two.layer.multiplier)
            assert one.layer.y_zero_point == two.layer.y_zero_point


def pattern(keep: int = 4) -> Pattern:
    mask = np.zeros((2, 9), bool)
    mask[:, :keep] = True
    return Pattern(n=2, m=4, block=16, block_mask=mask)


def sparse_model() -> nn.Sequential:
    """The second convolution has 2:4 in four of its nine block columns of 16, one column per tap."""
    model = digits_model()
    layer = model[4]
    assert isinstance(layer, nn.Conv2d)
    taps = torch.arange(9).reshape(3, 3) < 4
    channels = (torch.arange(16) % 4 < 2).reshape(-1, 1, 1)
    with torch.no_grad():
        layer.weight *= taps & channels
    return model


def test_patterns_are_attached_and_checked():
    images = digits()[0][:16]
    network = quantize_model(sparse_model(), images, patterns={"4": pattern()})
    layer = network.nodes[2].layer
    assert isinstance(layer, QuantizedConv)
    assert layer.pattern is not None
    assert layer.pattern.block_mask.sum() == 8
    with pytest.raises(PatternError):
        quantize_model(sparse_model(), images, patterns={"4": pattern(keep=3)})


def test_pattern_for_a_layer_that_is_not_there(trained):
    with pytest.raises(UnsupportedModelError, match="layer 'conv9', which is not among the layers: 0, 4, 7"):
        quantize_model(trained, digits()[0][:4], patterns={"conv9": pattern()})


def test_pattern_of_a_linear_layer_over_a_map_is_refused(trained):
    claimed = Pattern(n=4, m=4, block=16, block_mask=np.ones((1, 30), bool))
    with pytest.raises(UnsupportedModelError, match=r"layer '7' has a pattern of 30 .* 4x4 taps it has 32"):
        quantize_model(trained, digits()[0][:4], patterns={"7": claimed})


@pytest.mark.parametrize("shape", [(0, 1, 8, 8), (3, 8, 8)])
def test_calibration_needs_images(trained, shape):
    with pytest.raises(CalibrationError, match="calibration needs images"):
        quantize_model(trained, torch.zeros(shape))


def test_activation_that_is_not_finite_is_named(trained):
    with pytest.raises(CalibrationError, match="activation 'input': values must be finite"):
        quantize_model(trained, torch.full((2, 1, 8, 8), float("nan")))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"percentile": 30.0}, "`percentile` must be above 50"),
        ({"batch": 0}, "`batch` must be at least 1"),
        ({"method": "kl"}, "no range method 'kl'; expected one of minmax, percentile, mse"),
    ],
)
def test_settings_out_of_range(options, message):
    with pytest.raises(CalibrationError, match=message):
        QuantizeSettings(**options)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("0.weight", float("nan"), "layer '0' needs finite weights, its BatchNorm folded in, not nan"),
        ("1.running_var", -9.0, "layer '0' needs finite weights, its BatchNorm folded in, not nan"),
        ("1.bias", float("inf"), "layer '0' needs finite biases, its BatchNorm folded in, not inf"),
        ("7.bias", float("-inf"), "layer '7' needs finite biases, its BatchNorm folded in, not -inf"),
    ],
)
def test_weight_that_is_not_finite_is_named(name, value, message):
    model = digits_model()
    model.state_dict()[name][0] = value
    with pytest.raises(UnsupportedModelError, match=message):
        quantize_model(model, digits()[0][:4])

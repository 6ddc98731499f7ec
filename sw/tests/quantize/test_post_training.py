"""Whole models: the integer network decides as the float model does."""

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn

from crisp_golden.arithmetic.inference import quantize_input, run_network
from crisp_golden.arithmetic.network import MaxPool, Pattern, QuantizedConv
from crisp_spec.config import preset
from crisp_spec.errors import PatternError
from crisp_sw.compile.compiler import compile_network
from crisp_sw.exchange.onnx import export_onnx
from crisp_sw.exchange.packed import load_network, save_network
from crisp_sw.models import build_model
from crisp_sw.prune import ClassSamples, prune_for_classes, settings_of
from crisp_sw.quantize import (
    CalibrationError,
    QuantizeSettings,
    UnsupportedModelError,
    calibrate,
    lower,
    quantize_model,
)
from sw.tests.exchange.onnx.onnx_runtime import run_model_as_written
from sw.tests.predicted_classes import predicted_classes


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
    int8_accuracy = np.mean(predicted_classes(network, images[test].numpy()) == labels[test].numpy())
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


class WithAuxiliary(nn.Module):
    def __init__(self, model: nn.Module):
        super().__init__()
        self.model, self.aux = model, nn.Conv2d(1, 16, 3)

    def forward(self, x: Tensor) -> Tensor:
        self.last = self.aux(x)
        return self.model(x)


def test_pattern_of_a_layer_that_does_not_run_is_of_no_consequence():
    patterns = {"model.4": pattern(), "aux": pattern()}
    network = quantize_model(WithAuxiliary(sparse_model()), digits()[0][:16], patterns=patterns)
    assert [node.name for node in network.nodes] == ["model.0", "model.3", "model.4", "model.7"]


def test_pattern_for_a_layer_that_is_not_there(trained):
    with pytest.raises(UnsupportedModelError, match="layer 'conv9', which is not among the layers: 0, 4, 7"):
        quantize_model(trained, digits()[0][:4], patterns={"conv9": pattern()})


def test_pattern_of_a_linear_layer_over_a_map_is_refused(trained):
    claimed = Pattern(n=4, m=4, block=16, block_mask=np.ones((1, 30), bool))
    with pytest.raises(UnsupportedModelError, match=r"layer '7' has a pattern of 30 .* 4x4 taps it has 32"):
        quantize_model(trained, digits()[0][:4], patterns={"7": claimed})


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (torch.zeros(0, 1, 8, 8), r"images \[N, C, H, W\] with N >= 1, not \[0, 1, 8, 8\]"),
        (torch.zeros(3, 8, 8), r"images \[N, C, H, W\] with N >= 1, not \[3, 8, 8\]"),
        (torch.zeros(2, 1, 8, 8).byte(), "floating-point images, normalised as in training, not torch.uint8"),
        (torch.zeros(2, 1, 8, 8) > 0, "floating-point images, normalised as in training, not torch.bool"),
        (torch.zeros(2, 1, 8, 8).to(torch.complex64), "not torch.complex64"),
        (torch.zeros(2, 1, 8, 8).to_sparse(), "a dense tensor with values, not torch.sparse_coo on cpu"),
        (torch.zeros(2, 1, 8, 8, device="meta"), "a dense tensor with values, not torch.strided on meta"),
        (np.zeros((2, 1, 8, 8), np.float32), "a tensor of images, not a ndarray"),
        (torch.full((2, 1, 8, 8), float("-inf")), "activation 'input': values must be finite, not -inf"),
    ],
)
def test_calibration_needs_images(trained, images, message):
    with pytest.raises(CalibrationError, match=message):
        quantize_model(trained, images)


def test_images_of_another_shape_than_the_network(trained):
    network = lower(trained, (1, 8, 8))
    with pytest.raises(CalibrationError, match=r"must be of shape \(1, 8, 8\), not \(1, 9, 8\)"):
        calibrate(network, torch.zeros(2, 1, 9, 8), QuantizeSettings())
    with pytest.raises(UnsupportedModelError, match="layer '0' needs 1 input channels, not 3"):
        quantize_model(trained, torch.zeros(2, 3, 8, 8))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_models_and_images_of_all_floating_types(trained, dtype):
    images, labels = digits()
    model = copy.deepcopy(trained).to(dtype)
    network = quantize_model(model, images[:64])
    assert {parameter.dtype for parameter in model.parameters()} == {dtype}
    again = quantize_model(model, images[:64].to(dtype))
    assert network.scales == again.scales
    assert np.mean(predicted_classes(network, images[1300:].numpy()) == labels[1300:].numpy()) > 0.9


@pytest.mark.parametrize("wrap", [lambda model: model.bfloat16(), nn.DataParallel, torch.compile])
def test_what_the_pruner_returns_is_quantized(wrap):
    """Whatever type or wrapper the model has, the patterns' names are those of the quantizer's layers."""
    images, labels = digits()
    samples = ClassSamples(images=images[:64], labels=labels[:64])
    settings = settings_of(n=2, block=16, sparsity=0.5, iterations=1, batch_size=32, exclude=("7",))
    wrapped = wrap(digits_model())
    pruned = prune_for_classes(wrapped, samples, settings)
    network = quantize_model(pruned.model, images[:16], patterns=pruned.patterns)
    assert [node.name for node in network.nodes] == ["0", "3", "4", "7"]
    layer = network.nodes[2].layer
    assert isinstance(layer, QuantizedConv)
    assert layer.pattern is pruned.patterns["4"]
    assert [node.name for node in quantize_model(wrapped, images[:16]).nodes] == ["0", "3", "4", "7"]


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        (["a", "b"], "`classes` has 2 names; expected 10, one per output"),
        ("abcdefghij", "`classes` must be a list of names, not 'abcdefghij'"),
        (list(range(10)), "`classes` must be a list of names"),
        (None, "`classes` must be a list of names, not None"),
    ],
)
def test_classes_that_do_not_fit(trained, classes, message):
    with pytest.raises(UnsupportedModelError, match=message):
        quantize_model(trained, digits()[0][:4], classes=classes)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"n": 9}, "4: n must be from 1 to m = 4, not 9"),
        ({"block": 0}, "4: block must be a positive multiple of m = 4, not 0"),
        ({"n": "2"}, "4: n, m and block must be integers, not "),
        ({"block_mask": [[True] * 9] * 2}, r"4: block_mask must be an array bool\[rows, columns\]"),
        ({"block_mask": np.ones((2, 9))}, r"4: block_mask must be an array bool\[rows, columns\]"),
        ({"block_mask": np.ones((3, 9), bool)}, r"4: block_mask must be bool of shape \(2, 9\)"),
    ],
)
def test_patterns_that_make_no_sense(wrong, message):
    with pytest.raises(PatternError, match=message):
        quantize_model(sparse_model(), digits()[0][:4], patterns={"4": replace(pattern(), **wrong)})


def test_patterns_that_are_none(trained):
    with pytest.raises(PatternError, match="4: expected a Pattern, not None"):
        quantize_model(trained, digits()[0][:4], patterns={"4": None})  # pyright: ignore[reportArgumentType]
    with pytest.raises(UnsupportedModelError, match="`patterns` must be patterns by layer name"):
        quantize_model(trained, digits()[0][:4], patterns=[pattern()])  # pyright: ignore[reportArgumentType]


def test_activation_that_is_not_finite_is_named(trained):
    with pytest.raises(CalibrationError, match="activation 'input': values must be finite"):
        quantize_model(trained, torch.full((2, 1, 8, 8), float("nan")))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"percentile": 30.0}, "`percentile` must be above 50"),
        ({"percentile": "most"}, "`percentile` must be above 50 and at most 100, not 'most'"),
        ({"percentile": float("nan")}, "`percentile` must be above 50 and at most 100, not nan"),
        ({"batch": 0}, "`batch` must be an integer of at least 1, not 0"),
        ({"batch": 1.5}, "`batch` must be an integer of at least 1, not 1.5"),
        ({"method": "kl"}, "no range method 'kl'; expected one of minmax, percentile, mse"),
    ],
)
def test_settings_out_of_range(options, message):
    with pytest.raises(CalibrationError, match=message):
        QuantizeSettings(**options)


def test_settings_that_are_none(trained):
    with pytest.raises(CalibrationError, match="`settings` must be QuantizeSettings, not 'mse'"):
        quantize_model(trained, digits()[0][:4], settings="mse")  # pyright: ignore[reportArgumentType]


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


class NamedAsTensors(nn.Module):
    """Its layers have the names of the image and the result in files."""

    def __init__(self):
        super().__init__()
        self.input, self.image = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 8, 3, padding=1)
        self.output, self.logits = nn.AdaptiveAvgPool2d(1), nn.Linear(8, 5)
        with torch.no_grad():
            self.input.weight[:, 1:] = 0

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.input(x))
        return self.logits(self.output(torch.relu(self.image(x) + x)).flatten(1))


def test_layer_named_as_the_image_goes_all_the_way(tmp_path):
    torch.manual_seed(0)
    images = torch.randn(8, 3, 8, 8)
    one_of_four = Pattern(n=1, m=4, block=4, block_mask=np.ones((2, 9), bool))
    network = quantize_model(NamedAsTensors(), images, patterns={"input": one_of_four})
    assert [node.inputs for node in network.nodes[:2]] == [("input",), ("input.", "input.")]
    assert isinstance(network.nodes[0].layer, QuantizedConv)
    assert network.nodes[0].layer.pattern is one_of_four
    x = quantize_input(network, images.numpy())
    tensors = run_network(network, x)
    save_network(network, tmp_path / "network")
    for name, tensor in run_network(load_network(tmp_path / "network"), x).items():
        assert np.array_equal(tensor, tensors[name])
    compile_network(preset("tiny"), network)
    export_onnx(network, tmp_path / "network.onnx")
    last = network.nodes[-1].layer
    assert isinstance(last, QuantizedConv)
    codes = tensors["logits"].reshape(8, -1).astype(np.float32) - last.y_zero_point
    result = run_model_as_written(tmp_path / "network.onnx", images.numpy())
    np.testing.assert_allclose(result, codes * np.float32(network.scales["logits"]), rtol=1e-6)


def test_parameters_of_integers_do_not_choose_the_type(trained):
    model = nn.Sequential(copy.deepcopy(trained))
    model.register_parameter("labels", nn.Parameter(torch.arange(10), requires_grad=False))
    assert next(model.parameters()).dtype == torch.int64
    assert quantize_model(model, digits()[0][:16]).scales["0.0"] > 0


def test_types_and_devices_of_the_caller_do_not_matter(trained):
    images = digits()[0][:16]
    expected = quantize_model(trained, images).scales
    with torch.autocast("cpu", dtype=torch.bfloat16), torch.device("meta"):
        assert quantize_model(trained, images).scales == expected

"""Models that PyTorch itself writes as QDQ, from fake quantization: golden computes what PyTorch computes."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from crisp_golden.arithmetic.inference import quantize_input, run_network
from crisp_golden.arithmetic.network import QuantizedConv
from crisp_sw.exchange.onnx import import_onnx


def fake_quantized(x: Tensor, scale: float, zero_point: int = 0) -> Tensor:
    return torch.fake_quantize_per_tensor_affine(x, scale, zero_point, -128, 127)


class FakeQuantizedLayer(nn.Module):
    """Convolution, or linear layer, of fake-quantized weights, one scale per output channel."""

    def __init__(self, *shape: int):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(shape) / np.sqrt(np.prod(shape[1:])))
        self.bias = nn.Parameter(torch.randn(shape[0]) / 5)
        self.register_buffer("scale", self.weight.detach().abs().flatten(1).amax(1) / 127)
        self.register_buffer("zero_point", torch.zeros(shape[0], dtype=torch.int32))

    def forward(self, x: Tensor) -> Tensor:
        weight = torch.fake_quantize_per_channel_affine(
            self.weight,
            self.scale,  # pyright: ignore[reportArgumentType]
            self.zero_point,  # pyright: ignore[reportArgumentType]
            0,
            -128,
            127,
        )
        if x.dim() == 2:
            return F.linear(x, weight, self.bias)
        return F.conv2d(x, weight, self.bias, padding=weight.shape[-1] // 2)


class SmallNet(nn.Module):
    """Convolution, pooling, a residual block, average and classifier."""

    def __init__(self):
        super().__init__()
        self.stem, self.one = FakeQuantizedLayer(8, 3, 3, 3), FakeQuantizedLayer(8, 8, 3, 3)
        self.two, self.fc = FakeQuantizedLayer(8, 8, 3, 3), FakeQuantizedLayer(5, 8)

    def forward(self, x: Tensor) -> Tensor:
        x = fake_quantized(F.relu(self.stem(fake_quantized(x, 0.03))), 0.02, -128)
        x = F.max_pool2d(x, 2)
        y = fake_quantized(F.relu(self.one(x)), 0.02, -128)
        x = fake_quantized(F.relu(self.two(y) + x), 0.03, -128)
        x = fake_quantized(F.adaptive_avg_pool2d(x, 1), 0.01, -128)
        return fake_quantized(self.fc(x.view(x.size(0), -1)), 0.02)


def export(model: nn.Module, images: Tensor, path: Path, *, any_batch: bool) -> None:
    options: dict[str, Any] = {"dynamo": False, "opset_version": 17, "input_names": ["image"]}
    if any_batch:
        options["dynamic_axes"] = {"image": {0: "N"}}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            torch.onnx.export(model, (images,), str(path), **options)
        except TypeError as error:
            pytest.skip(f"this PyTorch has no exporter of its own any more: {error}")


@pytest.mark.parametrize("any_batch", [False, True])
def test_golden_computes_what_pytorch_computes(any_batch: bool, tmp_path):
    torch.manual_seed(0)
    model, images = SmallNet().eval(), torch.randn(16, 3, 8, 8)
    export(model, images, tmp_path / "net.onnx", any_batch=any_batch)
    network = import_onnx(tmp_path / "net.onnx").network
    last = network.nodes[-1]
    assert isinstance(last.layer, QuantizedConv)
    assert len(network.nodes) == 6
    codes = run_network(network, quantize_input(network, images.numpy()))[last.name].reshape(16, -1)
    scale = network.scales[last.name]
    found = (codes.astype(float) - last.layer.y_zero_point) * scale
    with torch.no_grad():
        expected = model(images).double().numpy()
    steps = np.abs(found - expected) / scale
    # Float biases are rounded to steps of the accumulator and scales to 16 bits, so that ties of inner
    # layers may fall otherwise: a few outputs are the next code.
    assert steps.max() < 1.01
    assert np.mean(steps > 0.5) < 0.15
    assert np.ptp(expected) > 20 * scale

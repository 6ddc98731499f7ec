"""The small ResNet: shapes, size, cost, and a graph that torch.fx can trace."""

import pytest
import torch
from torch import fx, nn

from crisp_sw.models import build_model
from crisp_sw.models.small_resnet import BasicBlock, SmallResNet


@pytest.mark.parametrize(("channels", "size", "classes"), [(1, 28, 10), (3, 32, 100)])
def test_maps_images_to_logits(channels, size, classes):
    model = SmallResNet(channels, classes).eval()
    assert model(torch.zeros(2, channels, size, size)).shape == (2, classes)


def test_float32_weights_stay_below_two_megabytes():
    parameters = sum(value.numel() for value in SmallResNet(1, 10).parameters())
    assert parameters == 308_074
    assert 4 * parameters < 2_000_000


def test_costs_37_million_macs_at_28_pixels():
    macs = 0

    def count(layer, _, output):
        nonlocal macs
        pixels = output.shape[2] * output.shape[3] if output.ndim == 4 else 1
        macs += layer.weight.numel() * pixels

    model = SmallResNet(1, 10).eval()
    for layer in model.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            layer.register_forward_hook(count)
    model(torch.zeros(1, 1, 28, 28))
    assert round(macs / 1e6, 1) == 37.2


def test_identity_shortcut_only_where_the_shape_stays():
    assert isinstance(BasicBlock(32, 32, 1).shortcut, nn.Identity)
    assert isinstance(BasicBlock(32, 64, 2).shortcut, nn.Sequential)
    assert isinstance(BasicBlock(32, 64, 1).shortcut, nn.Sequential)


@pytest.mark.parametrize("name", ["small-resnet", "small-mobilenet-v2"])
def test_traced_graph_computes_the_same_from_modules_and_additions(name):
    torch.manual_seed(1)
    model = build_model(name, in_channels=1, num_classes=10).eval()
    traced = fx.symbolic_trace(model)
    images = torch.randn(2, 1, 28, 28)
    assert torch.equal(traced(images), model(images))
    operations = {node.op for node in traced.graph.nodes}
    assert operations == {"placeholder", "call_module", "call_function", "output"}
    functions = {node.target.__name__ for node in traced.graph.nodes if node.op == "call_function"}
    assert functions == {"add"}

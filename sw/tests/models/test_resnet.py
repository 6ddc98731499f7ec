"""ResNet-18, -34 and -50: shapes, width, stems, and a graph that torch.fx can trace."""

import pytest
import torch
from torch import fx, nn

from crisp_sw.models import build_model
from crisp_sw.models.resnet import ResNet, resnet18, resnet34, resnet50


@pytest.mark.parametrize("build", [resnet18, resnet34, resnet50])
def test_maps_images_to_logits(build):
    model = build(3, 7, width=1 / 8).eval()
    assert model(torch.zeros(2, 3, 64, 64)).shape == (2, 7)


def final_map(model: ResNet, size: int) -> tuple[int, int]:
    sizes = []
    model.layer4.register_forward_hook(lambda *call: sizes.append(tuple(call[2].shape[2:])))
    model.eval()(torch.zeros(1, model.conv1.in_channels, size, size))
    return sizes[0]


def test_large_images_shrink_by_32_and_small_ones_by_8():
    assert final_map(resnet18(3, 10, width=1 / 8), 224) == (7, 7)
    assert final_map(resnet18(1, 10, width=1 / 8, small_images=True), 32) == (4, 4)
    assert final_map(resnet18(1, 10, width=1 / 8, small_images=True), 28) == (4, 4)


def test_width_scales_every_stage():
    model = resnet50(3, 10, width=0.5)
    convolutions = [layer for layer in model.modules() if isinstance(layer, nn.Conv2d)]
    full = [layer for layer in resnet50(3, 10).modules() if isinstance(layer, nn.Conv2d)]
    assert [2 * layer.out_channels for layer in convolutions] == [layer.out_channels for layer in full]
    assert model.fc.in_features == 1024


@pytest.mark.parametrize("name", ["resnet18", "resnet50-32px"])
def test_traced_graph_computes_the_same_from_modules_and_additions(name: str):
    torch.manual_seed(1)
    model = build_model(name, in_channels=1, num_classes=10, width=1 / 8).eval()
    traced = fx.symbolic_trace(model)
    images = torch.randn(2, 1, 32, 32)
    assert torch.equal(traced(images), model(images))
    functions = {node.target.__name__ for node in traced.graph.nodes if node.op == "call_function"}
    assert functions == {"add"}


def test_stem_of_stride_2_halves_small_images_once_more():
    assert final_map(resnet18(1, 10, width=1 / 8, small_images=True, stem_stride=2), 32) == (2, 2)

"""Whole networks: patterns and ranges hold, int8 follows float, given weights are used."""

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from crisp_golden.arithmetic.inference import run_network
from crisp_golden.arithmetic.network import MaxPool, QuantizedConv, QuantizedNetwork
from crisp_golden.format.pattern import check_layer_structure
from crisp_sw.errors import CheckpointError
from crisp_sw.models import build_model
from crisp_sw.prune import LayerRule
from crisp_sw.quantize import CalibrationError, UnsupportedModelError
from crisp_sw.synthetic import (
    LayerSparsity,
    NetworkSettings,
    SparsityRules,
    build_network,
    example_input,
    quantize_sparse,
    random_images,
)
from crisp_sw.synthetic.build import prune_by_magnitude

SPARSE_END = SparsityRules(rules=(LayerRule(role="classifier", n=1),))
RULES = SparsityRules(
    default=LayerSparsity(n=1, m=4, block=16, kept_share=0.5),
    rules=(LayerRule(role="first", n=2, kept_share=1.0),),
)
SMALL = NetworkSettings(model="resnet18-32px", image_size=32, num_classes=100, width=1 / 4, rules=RULES)
LARGE = NetworkSettings(model="resnet50", image_size=64, num_classes=100, width=1 / 4, rules=RULES)
VGG = NetworkSettings(model="vgg16", num_classes=100, width=1 / 16, rules=RULES, images=2)
MOBILE = NetworkSettings(model="mobilenet-v2", image_size=96, num_classes=100, width=1 / 2, rules=RULES)


@cache
def built(settings: NetworkSettings) -> QuantizedNetwork:
    return build_network(settings)


def convolutions(network: QuantizedNetwork) -> dict[str, QuantizedConv]:
    return {node.name: node.layer for node in network.nodes if isinstance(node.layer, QuantizedConv)}


def same(a: QuantizedNetwork, b: QuantizedNetwork) -> bool:
    return all(
        np.array_equal(left.weight, right.weight) and np.array_equal(left.bias, right.bias)
        for left, right in zip(convolutions(a).values(), convolutions(b).values(), strict=True)
    )


@pytest.mark.parametrize("settings", [SMALL, LARGE, VGG, MOBILE], ids=lambda settings: settings.model)
def test_every_tensor_uses_its_range(settings: NetworkSettings):
    network = built(settings)
    for name, tensor in run_network(network, example_input(network, count=2)).items():
        assert len(np.unique(tensor)) > 20, name
        assert np.mean(np.abs(tensor.astype(int)) >= 127) < 0.9, name
        assert tensor.std() > 8, name


@pytest.mark.parametrize("settings", [LARGE, VGG, MOBILE], ids=lambda settings: settings.model)
def test_layers_have_the_patterns_of_the_rules(settings: NetworkSettings):
    layers = list(convolutions(built(settings)).values())
    for layer in layers:
        check_layer_structure(layer)
        if layer.name in (layers[0].name, layers[-1].name) or layer.groups > 1:
            continue
        assert layer.pattern is not None, layer.name
        assert (layer.pattern.n, layer.pattern.m, layer.pattern.block) == (1, 4, 16)
    assert layers[-1].pattern is None
    assert layers[0].pattern is not None
    assert (layers[0].pattern.n, layers[0].pattern.block_mask.all()) == (2, True)


def test_kinds_of_layers():
    resnet = built(LARGE).nodes
    assert [node.name for node in resnet[:2]] == ["conv1", "maxpool"]
    assert isinstance(resnet[1].layer, MaxPool)
    assert sum(len(node.inputs) == 2 for node in resnet) == 16
    assert [node.name for node in resnet[-2:]] == ["avgpool", "fc"]
    vgg = convolutions(built(VGG))
    assert vgg["classifier.0"].kernel == (7, 7)


def test_int8_follows_float():
    torch.manual_seed(0)
    model = build_model("resnet18-32px", in_channels=3, num_classes=40, width=1 / 4)
    images = random_images(8, (3, 32, 32), seed=0)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    network = quantize_sparse(model, images, RULES)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    result = run_network(network, example_input(network, count=8, seed=0), keep_all=False)["fc"]
    prune_by_magnitude(model, RULES, (3, 32, 32))
    with torch.no_grad():
        # BatchNorm over the batch is what re-estimated statistics amount to.
        model.train()
        for module in model.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.momentum = None
                module.reset_running_stats()
        for part in images.split(4):
            model(part)
        expected = model.eval()(images).numpy()
    assert np.corrcoef(result.ravel(), expected.ravel())[0, 1] > 0.97


def test_seed_decides():
    state = torch.random.get_rng_state()
    network = build_network(SMALL)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert same(network, built(SMALL))
    assert not same(network, build_network(replace(SMALL, seed=1)))


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_given_weights(tmp_path: Path, suffix: str):
    torch.manual_seed(9)
    state = build_model(
        SMALL.model, in_channels=3, num_classes=SMALL.num_classes, width=SMALL.width
    ).state_dict()
    path = tmp_path / f"weights{suffix}"
    save_file(state, path) if suffix == ".safetensors" else torch.save(state, path)
    network = build_network(replace(SMALL, weights=path))
    assert not same(network, built(SMALL))
    weight = convolutions(network)["fc"].weight[:, :, 0, 0]
    scale = state["fc.weight"].abs().amax(1, keepdim=True) / 127
    assert np.array_equal(weight, (state["fc.weight"] / scale).round().to(torch.int8).numpy())


def test_given_statistics_are_kept_on_request(tmp_path: Path):
    torch.manual_seed(9)
    model = build_model(SMALL.model, in_channels=3, num_classes=SMALL.num_classes, width=SMALL.width)
    state = model.state_dict()
    state["bn1.running_mean"] += 3.0
    save_file(state, tmp_path / "weights.safetensors")
    settings = replace(SMALL, weights=tmp_path / "weights.safetensors", rules=SparsityRules())
    kept = convolutions(build_network(replace(settings, keep_statistics=True)))["conv1"]
    assert kept.bias.mean() < 0
    assert not np.array_equal(kept.bias, convolutions(build_network(settings))["conv1"].bias)


def test_images_too_small_for_a_model_are_pointed_to_its_small_variant():
    with pytest.raises(UnsupportedModelError, match="the model 'vgg16-32px' is for small images"):
        build_network(replace(VGG, model="VGG16", image_size=32))
    with pytest.raises(UnsupportedModelError, match=r"supported are: [^;]*$"):
        build_network(replace(VGG, image_size=256))


def test_weights_that_cannot_be_used(tmp_path: Path):
    for name, content in (("a.safetensors", b"x"), ("a.pth", b"x")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(CheckpointError, match="not a readable state dict"):
            build_network(replace(SMALL, weights=tmp_path / name))
    save_file({"conv1.weight": torch.zeros(1)}, tmp_path / "b.safetensors")
    with pytest.raises(CheckpointError, match="does not fit ResNet"):
        build_network(replace(SMALL, weights=tmp_path / "b.safetensors"))


def test_weights_that_are_computed_are_refused_where_they_would_be_pruned():
    model = nn.Sequential(nn.Conv2d(3, 16, 3), nn.ReLU(), nn.Conv2d(16, 16, 3))
    nn.utils.weight_norm(model[2])
    with pytest.raises(UnsupportedModelError, match="the weight of '2' is computed; expected a parameter"):
        quantize_sparse(
            model,
            random_images(2, (3, 8, 8), seed=0),
            SPARSE_END,
        )


def test_wrapped_models_keep_their_names():
    model = nn.Sequential(nn.Conv2d(3, 16, 3), nn.ReLU(), nn.Conv2d(16, 16, 3))
    images = random_images(2, (3, 8, 8), seed=0)
    network = quantize_sparse(nn.DataParallel(model), images, SPARSE_END)
    assert [node.name for node in network.nodes] == ["0", "2"]


def test_images_that_are_none_are_refused():
    with pytest.raises(CalibrationError, match="floating-point images"):
        quantize_sparse(nn.Sequential(nn.Conv2d(3, 4, 1)), torch.zeros(2, 3, 8, 8).byte(), SparsityRules())

"""The cache: built once, found again, and by a key that changes with what matters."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from crisp_files.source_files import source_files
from crisp_golden.arithmetic.network import QuantizedConv, QuantizedNetwork
from crisp_sw.errors import CheckpointError
from crisp_sw.exchange.packed import load_metadata
from crisp_sw.prune import LayerRule
from crisp_sw.synthetic import LayerSparsity, NetworkSettings, SparsityRules, cached_network, network_key
from crisp_sw.synthetic import cache as cache_module
from crisp_sw.synthetic.build import build_network

SETTINGS = NetworkSettings(
    model="mobilenet-v2-32px",
    image_size=32,
    num_classes=5,
    width=1 / 4,
    rules=SparsityRules(default=LayerSparsity(n=2, kept_share=0.5)),
)


@pytest.fixture
def builds(monkeypatch: pytest.MonkeyPatch) -> list[NetworkSettings]:
    """The settings of every network that is really built."""
    built = []

    def build(settings: NetworkSettings) -> QuantizedNetwork:
        built.append(settings)
        return build_network(settings)

    monkeypatch.setattr(cache_module, "build_network", build)
    return built


def assert_same(a: QuantizedNetwork, b: QuantizedNetwork) -> None:
    assert (a.input_shape, a.input_scale, a.input_zero_point) == (
        b.input_shape,
        b.input_scale,
        b.input_zero_point,
    )
    for left, right in zip(a.nodes, b.nodes, strict=True):
        assert (left.name, left.inputs) == (right.name, right.inputs)
        if isinstance(left.layer, QuantizedConv) and isinstance(right.layer, QuantizedConv):
            assert np.array_equal(left.layer.weight, right.layer.weight)
            assert np.array_equal(left.layer.bias, right.layer.bias)


def test_second_call_finds_the_first_ones_network(tmp_path: Path, builds: list[NetworkSettings]):
    first = cached_network(SETTINGS, cache=tmp_path)
    assert_same(first, cached_network(SETTINGS, cache=tmp_path))
    assert len(builds) == 1
    assert load_metadata(tmp_path / network_key(SETTINGS))["settings"]["model"] == SETTINGS.model


def test_damaged_network_is_built_anew(tmp_path: Path, builds: list[NetworkSettings]):
    cached_network(SETTINGS, cache=tmp_path)
    (tmp_path / network_key(SETTINGS) / "tensors.safetensors").write_bytes(b"")
    cached_network(SETTINGS, cache=tmp_path)
    cached_network(SETTINGS, cache=tmp_path)
    assert len(builds) == 2


def test_key_changes_with_every_setting(tmp_path: Path):
    save_file({"a": torch.zeros(1)}, tmp_path / "a.safetensors")
    save_file({"a": torch.ones(1)}, tmp_path / "b.safetensors")
    variants = [
        SETTINGS,
        replace(SETTINGS, seed=1),
        replace(SETTINGS, images=5),
        replace(SETTINGS, width=0.5),
        replace(SETTINGS, rules=SparsityRules()),
        replace(SETTINGS, rules=replace(SETTINGS.rules, rules=(LayerRule(name="*", dense=True),))),
        replace(SETTINGS, weights=tmp_path / "a.safetensors"),
        replace(SETTINGS, weights=tmp_path / "b.safetensors"),
    ]
    keys = [network_key(settings) for settings in variants]
    assert len(set(keys)) == len(keys)
    assert all(key.startswith("mobilenet-v2-32px-") for key in keys)


def test_key_of_weights_is_their_content(tmp_path: Path):
    for name in ("a", "b"):
        save_file({"a": torch.zeros(1)}, tmp_path / f"{name}.safetensors")
    keys = {network_key(replace(SETTINGS, weights=tmp_path / f"{name}.safetensors")) for name in "ab"}
    assert len(keys) == 1
    with pytest.raises(CheckpointError, match="cannot be read"):
        network_key(replace(SETTINGS, weights=tmp_path / "none.safetensors"))


def test_key_changes_with_the_code(monkeypatch: pytest.MonkeyPatch):
    key = network_key(SETTINGS)
    asked = []
    monkeypatch.setattr(cache_module, "sources_hash", lambda *modules: asked.extend(modules) or "other")
    assert network_key(SETTINGS) != key
    needed = {"models", "modules", "prune", "quantize"}
    assert needed <= {name.split(".")[1] for name in source_files(*asked) if name.startswith("crisp_sw.")}
    assert "crisp_golden.arithmetic.fixed_point" in source_files(*asked)

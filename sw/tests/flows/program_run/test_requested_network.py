"""Networks by path and by name: with their own pattern, or with the one that is chosen."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from crisp_golden.arithmetic.network import QuantizedConv, QuantizedNetwork
from crisp_sw.errors import CheckpointError
from crisp_sw.exchange.checkpoint import CheckpointInfo, find_checkpoint, load_checkpoint, save_checkpoint
from crisp_sw.exchange.onnx import export_onnx
from crisp_sw.exchange.packed import save_network
from crisp_sw.exchange.pruned_model import PrunedModel, save_pruned
from crisp_sw.flows.inputs.integer_network import InspectionError
from crisp_sw.flows.program_run.network_options import DEFAULTS, NetworkOptions
from crisp_sw.flows.program_run.requested_network import open_requested
from crisp_sw.models import build_model
from crisp_sw.synthetic import LayerSparsity, SparsityRules
from crisp_sw.synthetic.build import prune_by_magnitude
from crisp_sw.synthetic.errors import NetworkSettingsError
from sw.tests.small_programs import small_network

SHIPPED = "small_resnet_fashion_mnist"
CHOSEN = NetworkOptions(nm="2:4", blocks=0.5)


@pytest.fixture(autouse=True)
def in_an_empty_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is built goes below the working directory."""
    monkeypatch.chdir(tmp_path)


def convolutions(network: QuantizedNetwork) -> dict[str, QuantizedConv]:
    return {node.name: node.layer for node in network.nodes if isinstance(node.layer, QuantizedConv)}


def info(size: tuple[int, int] = (28, 28)) -> CheckpointInfo:
    return CheckpointInfo(
        model="small-resnet",
        in_channels=1,
        num_classes=3,
        classes=("a", "b", "c"),
        image_size=size,
        mean=(0.5,),
        std=(0.5,),
        dataset="digits",
        accuracy=0.5,
    )


def small_resnet() -> torch.nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        return build_model("small-resnet", in_channels=1, num_classes=3)


def has_codes_of(layer: QuantizedConv, weight: torch.Tensor) -> bool:
    """Whether a dense linear layer is this weight, quantized."""
    scale = weight.abs().amax(1, keepdim=True) / 127
    return np.array_equal(layer.weight[:, :, 0, 0], (weight / scale).round().to(torch.int8).numpy())


def test_a_shipped_checkpoint_gets_the_chosen_pattern():
    source = open_requested(SHIPPED, CHOSEN)
    model, header = load_checkpoint(SHIPPED)
    layers = convolutions(source.network)
    assert source.network.input_shape == (header.in_channels, *header.image_size)
    assert has_codes_of(layers["linear"], model.get_parameter("linear.weight"))
    pattern = layers["stage3.conv2"].pattern
    assert pattern is not None
    assert (pattern.n, pattern.block, pattern.block_mask.mean()) == (2, 16, 0.5)
    assert layers["conv"].pattern is None
    assert source.settings is not None
    assert source.settings.weights == find_checkpoint(SHIPPED)


def test_a_checkpoint_is_the_same_by_name_by_file_and_by_directory(tmp_path):
    (tmp_path / "trained").mkdir()
    (tmp_path / "trained" / "train.json").write_text("{}")
    (tmp_path / "trained" / "model.safetensors").write_bytes(find_checkpoint(SHIPPED).read_bytes())
    names = (SHIPPED, str(find_checkpoint(SHIPPED)), "trained")
    assert len({open_requested(name, CHOSEN).key for name in names}) == 1


def test_a_pruned_model_keeps_its_pattern():
    model = small_resnet()
    rules = SparsityRules(default=LayerSparsity(n=3, m=4, block=8, kept_share=0.25))
    patterns = prune_by_magnitude(model, rules, (1, 28, 28))
    save_pruned(Path("pruned"), PrunedModel(model=model.eval(), info=info(), patterns=patterns))
    source = open_requested("pruned", NetworkOptions())
    assert source.kind == "a pruned model"
    assert source.settings is None
    found = {name: layer.pattern for name, layer in convolutions(source.network).items() if layer.pattern}
    assert found.keys() == patterns.keys()
    for name, pattern in patterns.items():
        assert (found[name].n, found[name].block) == (3, 8)
        assert np.array_equal(found[name].block_mask, pattern.block_mask)


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_a_plain_state_dict_goes_into_the_named_model(suffix: str):
    model, path = build_model("resnet18-32px", in_channels=3, num_classes=7, width=0.125), Path("w" + suffix)
    save_file(model.state_dict(), path) if suffix == ".safetensors" else torch.save(model.state_dict(), path)
    options = NetworkOptions(image_size=32, width=0.125, num_classes=7, weights=path)
    source = open_requested("ResNet18_32px", options)
    assert has_codes_of(convolutions(source.network)["fc"], model.get_parameter("fc.weight"))
    assert path.name in source.kind
    assert source.network.input_shape == (3, 32, 32)


def test_a_model_has_the_defaults_where_nothing_is_said():
    settings = NetworkOptions(width=0.5).model_settings("resnet50", seed=4)
    assert settings.rules.default == LayerSparsity(n=1, m=4, block=16, kept_share=0.28)
    assert settings.rules.rules == ()
    assert (settings.image_size, settings.num_classes, settings.width) == (224, 1000, 0.5)
    assert settings.seed == 4


def test_a_value_of_zero_is_not_taken_for_none():
    with pytest.raises(NetworkSettingsError, match="`blocks` must be above 0"):
        NetworkOptions(blocks=0.0).rules()


@pytest.fixture(params=["packed", "packed.onnx"])
def quantized(request: pytest.FixtureRequest) -> str:
    write = export_onnx if request.param.endswith(".onnx") else save_network
    write(small_network(), Path(request.param), {})
    return request.param


VALUES = {
    **{"nm": "1:4", "blocks": 0.5, "block_size": 16, "first_nm": "2:4", "layers": Path("layers.toml")},
    **{"image_size": 32, "width": 1.0, "num_classes": 10, "weights": Path("w.pth")},
}


def test_every_option_is_tried():
    assert VALUES.keys() == DEFAULTS.keys()


def test_a_quantized_network_takes_no_options(quantized: str):
    assert open_requested(quantized, NetworkOptions()).key.startswith("packed-")
    for name, value in VALUES.items():
        with pytest.raises(NetworkSettingsError, match=f"`--{name.replace('_', '-')} {value}` has no effect"):
            open_requested(quantized, NetworkOptions(**{name: value}))


@pytest.mark.parametrize("name", ["image_size", "width", "num_classes", "weights"])
def test_a_checkpoint_has_its_own_shape(name: str):
    with pytest.raises(NetworkSettingsError, match=f"{SHIPPED} is a checkpoint, with a shape and weights"):
        open_requested(SHIPPED, NetworkOptions(**{name: VALUES[name]}))


def test_an_unknown_name_lists_what_there_is():
    with pytest.raises(
        CheckpointError, match=rf"no checkpoint 'resnet49'; .*{SHIPPED}, or one of the models .*resnet50"
    ):
        open_requested("resnet49", NetworkOptions(image_size=32))


def test_a_directory_of_something_else_says_what_was_expected():
    Path("resnet50").mkdir()
    with pytest.raises(InspectionError, match=r"resnet50: neither a packed network \(network.json\) nor"):
        open_requested("resnet50", NetworkOptions())


def test_a_state_dict_alone_says_how_it_is_used():
    save_file(small_resnet().state_dict(), "theirs.safetensors")
    with pytest.raises(CheckpointError, match=r"the name of a model and its plain state dict as `--weights "):
        open_requested("theirs.safetensors", NetworkOptions())


def test_images_that_are_not_square():
    save_checkpoint(Path("wide.safetensors"), small_resnet(), info((28, 32)))
    with pytest.raises(NetworkSettingsError, match="images of 28 x 32 pixels; expected square ones"):
        open_requested("wide.safetensors", NetworkOptions())

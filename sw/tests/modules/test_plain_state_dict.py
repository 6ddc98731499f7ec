"""State dicts of wrapped, averaged and masked networks are those of the network within."""

import copy
from typing import cast

import pytest
import torch
from safetensors.torch import load_file
from torch import nn
from torch.nn.utils import parametrizations, prune, weight_norm
from torch.optim.swa_utils import AveragedModel

from crisp_sw.errors import CheckpointError
from crisp_sw.exchange.checkpoint import CheckpointInfo, load_weights, read_tensors, save_checkpoint
from crisp_sw.exchange.state_dict import read_state_dict, save_state_dict
from crisp_sw.modules.plain_state_dict import plain_state_dict
from crisp_sw.prune import CrispSparsifier

INFO = CheckpointInfo(
    model="toy",
    in_channels=3,
    num_classes=2,
    classes=("a", "b"),
    image_size=(8, 8),
    mean=(0.5,) * 3,
    std=(0.5,) * 3,
    dataset="toy",
    accuracy=0.5,
)


def network(seed: int = 0) -> nn.Sequential:
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.Sequential(nn.Conv2d(8, 8, 1), nn.Linear(8, 4))
    )


def compiled_within(model: nn.Sequential) -> nn.Module:
    """As `torch.compile` of one part leaves the names, without compiling it."""
    wrapper = nn.Module()
    wrapper.add_module("_orig_mod", model[2])
    model[2] = wrapper
    return model


def prefixed(prefix: str):
    return lambda model: nn.ModuleDict({prefix: model}) if prefix.isidentifier() else model


WRAPPERS = {
    "DataParallel": nn.DataParallel,
    "compiled": prefixed("_orig_mod"),
    "compiled, then DataParallel": lambda model: nn.DataParallel(prefixed("_orig_mod")(model)),
    "a part compiled": compiled_within,
    "average": AveragedModel,
    "average with buffers": lambda model: AveragedModel(model, use_buffers=True),
    "of a training framework": prefixed("net"),
}


def require_loaded(state: dict[str, torch.Tensor], expected: dict[str, torch.Tensor]) -> None:
    fresh = network(1)
    load_weights(fresh, state, source="file")
    loaded = fresh.state_dict()
    assert loaded.keys() == expected.keys()
    assert all(torch.equal(loaded[name], value) for name, value in expected.items())


@pytest.mark.parametrize("wrap", WRAPPERS.values(), ids=WRAPPERS)
def test_names_of_wrappers_are_taken_off(wrap):
    model = network()
    require_loaded(wrap(copy.deepcopy(model)).state_dict(), model.state_dict())


def test_prefix_of_the_network_itself_stays():
    model = nn.Sequential(nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2)))
    for wrapped in (model, nn.DataParallel(model), nn.Sequential(nn.Sequential(model))):
        assert plain_state_dict(wrapped.state_dict(), model.state_dict()).keys() == model.state_dict().keys()


def test_names_that_two_tensors_would_have_are_left_as_they_are():
    plain = network().state_dict()
    twice = {**{f"_orig_mod.{name}": 2 * value for name, value in plain.items()}, **plain}
    with pytest.raises(CheckpointError, match="does not fit Sequential"):
        load_weights(network(), twice, source="file")


def test_names_of_the_network_itself_that_look_like_masks_stay():
    model = nn.Linear(2, 2)
    model.register_buffer("scale_orig", torch.ones(3))
    model.register_buffer("scale_mask", torch.zeros(3))
    assert plain_state_dict(model.state_dict(), model.state_dict()).keys() == model.state_dict().keys()


class Noted(nn.Linear):
    """With a state that is no tensor."""

    def get_extra_state(self):
        return {"steps": 1}

    def set_extra_state(self, state):
        pass


def test_states_that_are_no_tensors_are_named(tmp_path):
    model = nn.Sequential(Noted(2, 2))
    message = "the state '0._extra_state' of Sequential is a dict, which cannot be saved; expected tensors"
    with pytest.raises(CheckpointError, match=message):
        save_checkpoint(tmp_path / "model.safetensors", model, INFO)
    with pytest.raises(CheckpointError, match=message):
        save_state_dict(model, tmp_path / "model.pt")
    with pytest.raises(CheckpointError, match=message):
        load_weights(model, nn.Sequential(nn.Linear(2, 2)).state_dict(), source="file")


def test_count_of_batches_may_be_missing():
    state = network().state_dict()
    del state["1.num_batches_tracked"]
    require_loaded(state, network().state_dict())
    del state["1.running_mean"]
    with pytest.raises(CheckpointError, match=r"1\.running_mean: absent instead of \(8,\)"):
        load_weights(network(), state, source="file")


def masked_by_torch(model: nn.Sequential) -> None:
    prune.l1_unstructured(model[0], "weight", 0.5)
    prune.ln_structured(model.get_submodule("2.0"), "weight", 0.5, n=2, dim=0)


def masked_by_the_sparsifier(model: nn.Sequential) -> None:
    sparsifier = CrispSparsifier(n=2, block=4, sparsity=0.4, small_layers="fine", saliency="magnitude")
    sparsifier.prepare(model)
    sparsifier.step()


@pytest.mark.parametrize("mask", [masked_by_torch, masked_by_the_sparsifier])
@pytest.mark.parametrize("wrap", [lambda model: model, nn.DataParallel], ids=["plain", "DataParallel"])
def test_masks_that_were_saved_are_applied(mask, wrap):
    model = network()
    mask(model)
    fresh = network(1)
    load_weights(fresh, wrap(model).state_dict(), source="file")
    for layer in ("0", "2.0"):
        weight = fresh.get_parameter(f"{layer}.weight")
        assert torch.equal(weight, cast(nn.Conv2d, model.get_submodule(layer)).weight)
        assert bool((weight == 0).any())
        assert not torch.signbit(weight[weight == 0]).any()


@pytest.mark.parametrize("mask", [masked_by_torch, masked_by_the_sparsifier])
def test_masked_and_wrapped_networks_are_saved_as_plain_ones(tmp_path, mask):
    model = network()
    mask(model)
    names = network().state_dict().keys()
    save_state_dict(nn.DataParallel(model), tmp_path / "a.safetensors")
    saved = load_file(tmp_path / "a.safetensors")
    assert saved.keys() == names
    assert bool((saved["0.weight"] == 0).any())
    save_checkpoint(tmp_path / "b.safetensors", nn.DataParallel(model), INFO)
    tensors, _ = read_tensors(tmp_path / "b.safetensors")
    assert all(torch.equal(tensors[name], saved[name]) for name in names)


@pytest.mark.parametrize("norm", [weight_norm, parametrizations.weight_norm, parametrizations.spectral_norm])
@pytest.mark.filterwarnings("ignore:.*weight_norm:FutureWarning")
def test_weights_that_are_computed_are_the_cause(norm):
    model = network()
    norm(model[0])
    with pytest.raises(
        CheckpointError, match=r"file does not fit Sequential: '0\..*' is no weight, but what one is"
    ):
        load_weights(network(), model.state_dict(), source="file")


def test_further_parametrization_of_a_masked_weight_is_the_cause():
    model = network()
    masked_by_the_sparsifier(model)
    parametrizations.spectral_norm(model.get_submodule("2.0"))
    with pytest.raises(CheckpointError, match=r"'2\.0\.parametrizations\.weight\..*' is no weight, but what"):
        load_weights(network(), model.state_dict(), source="file")


def test_prefix_of_some_names_is_the_cause():
    state = network().state_dict()
    state["module.0.weight"] = state.pop("0.weight")
    with pytest.raises(
        CheckpointError, match=r"only some names begin with 'module\.'; expected all, or none"
    ):
        load_weights(network(), state, source="file")


@pytest.mark.parametrize(
    "keys", [("state_dict",), ("model",), ("model_state_dict",), ("module",), ("model", "state_dict")]
)
def test_nests_of_training_scripts(tmp_path, keys):
    nest = network().state_dict()
    for key in keys:
        nest = {key: nest, "epoch": 3, "optimizer": {"lr": 0.1}}
    torch.save(nest, tmp_path / "a.pth")
    require_loaded(read_state_dict(tmp_path / "a.pth"), network().state_dict())


def test_nests_without_a_state_dict(tmp_path):
    torch.save({0: torch.ones(1)}, tmp_path / "a.pth")
    with pytest.raises(CheckpointError, match="expected a state dict, tensors by parameter name, not 0"):
        read_state_dict(tmp_path / "a.pth")
    endless: dict[str, object] = {"epoch": 3}
    endless["model"] = endless
    for content in ({"epoch": 3, "ema": {}}, {"state_dict": {"epoch": 3}}, endless):
        torch.save(content, tmp_path / "a.pth")
        with pytest.raises(
            CheckpointError, match="expected a state dict, tensors by parameter name, not 'epoch'"
        ):
            read_state_dict(tmp_path / "a.pth")

"""Channel pruning through the library: smaller layers, the same frame."""

import sys

import pytest
import torch
from torch import nn

from crisp_sw.prune import ChannelPruning, LayerRule, prune_for_classes
from crisp_sw.prune.errors import PruneError, UnreachableSparsityError
from crisp_sw.prune.methods.channels import ChannelRun, shrink
from crisp_sw.prune.run.progress import ignore_progress

SETTINGS = ChannelPruning.of(sparsity=0.6, iterations=2, final_epochs=1, batch_size=32, distillation=0.0)


class Plain(nn.Module):
    """Two convolutions and a classifier."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(1, 12, 3, padding=1)
        self.bn = nn.BatchNorm2d(12)
        self.second = nn.Conv2d(12, 20, 3, padding=1)
        self.fc = nn.Linear(20, 4)

    def forward(self, x):
        return self.fc(self.second(self.bn(self.first(x)).relu()).relu().mean((2, 3)))


@pytest.fixture
def plain() -> Plain:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return Plain()


@pytest.mark.parametrize("saliency", ["class-aware", "magnitude", "random"])
def test_channels_go_until_the_target(plain, samples, saliency):
    pytest.importorskip("torch_pruning")
    events = []
    settings = SETTINGS.with_values(saliency=saliency)
    first = prune_for_classes(plain, samples, settings, on_progress=events.append)
    weights = {name: first.model.state_dict()[f"{name}.weight"].shape for name in ("first", "second", "fc")}
    assert weights["second"][1] == weights["first"][0] < 12
    assert weights["fc"] == (4, weights["second"][0])
    assert 0.6 <= first.report.sparsity < 0.8
    assert first.report.model_sparsity == first.report.sparsity
    assert [event.stage for event in events] == ["prune", "fine-tune", "prune", "fine-tune", "fine-tune"]
    assert first.patterns == {}
    second = prune_for_classes(plain, samples, settings).model.state_dict()
    assert all(torch.equal(value, second[name]) for name, value in first.model.state_dict().items())
    assert plain.first.weight.shape[0] == 12


class Residual(nn.Module):
    """A stem, a block with a way round it, two convolutions, one that is transposed, and a classifier."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(1, 8, 3, padding=1)
        self.inside = nn.Conv2d(8, 8, 3, padding=1)
        self.behind = nn.Conv2d(8, 12, 3, padding=1)
        self.last = nn.Conv2d(12, 24, 3, padding=1)
        self.up = nn.ConvTranspose2d(24, 16, 2, bias=False)
        self.fc = nn.Linear(16, 4)

    def forward(self, x):
        x = self.stem(x).relu()
        x = self.last(self.behind(x + self.inside(x).relu()).relu())
        return self.fc(self.up(x.relu()).relu().mean((2, 3)))


@pytest.fixture
def residual() -> Residual:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return Residual()


def outputs_of(model: nn.Module) -> dict[str, int]:
    """Output channels of every layer with weights."""
    return {
        name: model.get_parameter(f"{name}.weight").shape[1 if name == "up" else 0]
        for name in ("stem", "inside", "behind", "last", "up", "fc")
    }


@pytest.mark.parametrize(
    ("choices", "reasons", "whole"),
    [
        ({}, {}, ("fc",)),
        ({"dense_first": True}, {"stem": "the first layer"}, ("stem", "inside", "fc")),
        ({"dense_classifier": True}, {"fc": "the classifier"}, ("up", "fc")),
        ({"exclude": ("beh*",)}, {"behind": "excluded by name: beh*"}, ("stem", "inside", "behind", "fc")),
        (
            {"exclude_types": ("ConvTranspose2d",)},
            {"up": "excluded by type: ConvTranspose2d"},
            ("last", "up", "fc"),
        ),
        (
            {"rules": (LayerRule(name="in*", dense=True),)},
            {"inside": "dense by the rule for name 'in*'"},
            ("stem", "inside", "fc"),
        ),
    ],
    ids=["none", "first", "classifier", "name", "type", "rule"],
)
def test_layers_that_are_to_stay_dense_keep_all_their_weights(residual, samples, choices, reasons, whole):
    pytest.importorskip("torch_pruning")
    settings = SETTINGS.with_values(sparsity=0.3, iterations=1, epochs_per_iteration=0, **choices)
    result = prune_for_classes(residual, samples, settings)
    report = {layer.name: layer for layer in result.report.layers}
    for name, reason in reasons.items():
        shape = residual.get_parameter(f"{name}.weight").shape
        assert result.model.get_parameter(f"{name}.weight").shape == shape
        assert (report[name].kept_weights, report[name].dense_reason) == (report[name].weights, reason)
    before, after = outputs_of(residual), outputs_of(result.model)
    assert {name for name in before if after[name] == before[name]} == set(whole)
    assert {name for name in report if report[name].dense_reason} == {"up", *reasons}
    assert 0.3 <= result.report.sparsity < 0.5


def test_whole_layers_do_not_limit_the_others(samples):
    pytest.importorskip("torch_pruning")
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(1, 2, 3), nn.Conv2d(2, 40, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(40, 4)
    )
    settings = SETTINGS.with_values(sparsity=0.9, iterations=1, epochs_per_iteration=0, exclude=("0",))
    result = prune_for_classes(model, samples, settings)
    assert result.report.sparsity >= 0.9
    assert result.model.get_parameter("0.weight").shape == (2, 1, 3, 3)


def test_resumed_run_with_dense_layers_ends_alike(plain, samples, tmp_path):
    pytest.importorskip("torch_pruning")
    settings = SETTINGS.with_values(sparsity=0.3, dense_first=True)
    whole = prune_for_classes(plain, samples, settings)

    def stop(progress):
        raise Stop

    with pytest.raises(Stop):
        prune_for_classes(plain, samples, settings, state_dir=tmp_path, on_progress=stop)
    resumed = prune_for_classes(plain, samples, settings, state_dir=tmp_path, resume=True)
    assert resumed.report == whole.report
    assert resumed.model.get_parameter("first.weight").shape == (12, 1, 3, 3)


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        (
            {"exclude": ("*",)},
            "no layer of the model can be pruned .first: excluded by name: .*; expected at",
        ),
        (
            {"rules": (LayerRule(name="fc", n=2, min_kept_share=0.5),)},
            "the rule for name 'fc' sets n, min_kept_share, which method 'channel' does not read; expected",
        ),
        ({"layer_norm": "l2"}, "`layer_norm` l2 has no effect on the method .channel."),
    ],
    ids=str,
)
def test_settings_that_channels_cannot_honour(plain, samples, choices, message):
    pytest.importorskip("torch_pruning")
    with pytest.raises(PruneError, match=message):
        prune_for_classes(plain, samples, SETTINGS.with_values(**choices))


def test_batches_add_up_as_asked(plain, samples):
    pytest.importorskip("torch_pruning")
    gradients = {}
    for accumulation in ("absolute", "signed"):
        run = ChannelRun(
            plain, samples, SETTINGS.with_values(accumulation=accumulation), None, ignore_progress
        )
        gradients[accumulation] = run._gradients()["fc.weight"]
    assert bool((gradients["absolute"] >= gradients["signed"].abs()).all())
    assert bool((gradients["signed"] < 0).any())


def test_gradients_of_some_of_the_samples(plain, samples):
    pytest.importorskip("torch_pruning")
    some, alone = (
        ChannelRun(plain, chosen, settings, None, ignore_progress)._gradients()["fc.weight"]
        for chosen, settings in (
            (samples, SETTINGS.with_values(saliency_samples=8)),
            (samples.spread(8), SETTINGS.with_values(batch_size=8)),
        )
    )
    assert torch.equal(some, alone)


class Stop(Exception):
    """Raised in place of an interrupt."""


def test_resumed_run_ends_alike(plain, samples, tmp_path):
    pytest.importorskip("torch_pruning")
    whole = prune_for_classes(plain, samples, SETTINGS)
    for after in (1, 2, 3, 5):
        events = []

        def stop(progress, events=events, after=after):
            events.append(progress)
            if len(events) == after:
                raise Stop

        with pytest.raises(Stop):
            prune_for_classes(plain, samples, SETTINGS, state_dir=tmp_path, on_progress=stop)
        resumed = prune_for_classes(plain, samples, SETTINGS, state_dir=tmp_path, resume=True)
        assert resumed.report == whole.report
        for name, value in whole.model.state_dict().items():
            assert torch.equal(resumed.model.state_dict()[name], value), name
        assert str(resumed.model) == str(whole.model)
        assert list(tmp_path.iterdir()) == []


def test_depthwise_layers_shrink_too():
    model = nn.Sequential(nn.Conv2d(4, 8, 1), nn.Conv2d(8, 8, 3, groups=8), nn.BatchNorm2d(8))
    small = nn.Sequential(nn.Conv2d(4, 6, 1), nn.Conv2d(6, 6, 3, groups=6), nn.BatchNorm2d(6))
    shrink(model, small.state_dict())
    assert str(model) == str(small)
    image = torch.rand(2, 4, 5, 5, generator=torch.Generator().manual_seed(0))
    assert torch.equal(model(image), small(image))


def test_unreachable_target_names_the_nearest(plain, samples):
    pytest.importorskip("torch_pruning")
    with pytest.raises(
        UnreachableSparsityError, match=r"by removing channels: the nearest is 0\.9906; expected"
    ):
        prune_for_classes(plain, samples, SETTINGS.with_values(sparsity=0.999, iterations=1))
    nearest = SETTINGS.with_values(sparsity=0.9906, iterations=1)
    assert prune_for_classes(plain, samples, nearest).report.sparsity == pytest.approx(1 - 22 / 2348)


def test_library_that_is_not_installed(plain, samples, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch_pruning", None)
    message = r"method 'channel' needs the library Torch-Pruning.*pip install 'crisp-stc\[baselines\]'"
    with pytest.raises(PruneError, match=message):
        prune_for_classes(plain, samples, SETTINGS)

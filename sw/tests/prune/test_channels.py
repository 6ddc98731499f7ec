"""Channel pruning through the library: smaller layers, the same frame."""

import sys
from dataclasses import replace

import pytest
import torch
from torch import nn

from crisp_sw.prune import PruneSettings, prune_for_classes
from crisp_sw.prune.channels import shrink
from crisp_sw.prune.errors import PruneError, UnreachableSparsityError

SETTINGS = PruneSettings(
    method="channel", sparsity=0.6, iterations=2, final_epochs=1, batch_size=32, distillation=0.0
)


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
    settings = replace(SETTINGS, saliency=saliency)
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
        prune_for_classes(plain, samples, replace(SETTINGS, sparsity=0.999, iterations=1))
    nearest = replace(SETTINGS, sparsity=0.9906, iterations=1)
    assert prune_for_classes(plain, samples, nearest).report.sparsity == pytest.approx(1 - 22 / 2348)


def test_library_that_is_not_installed(plain, samples, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch_pruning", None)
    message = r"method 'channel' needs the library Torch-Pruning.*pip install 'crisp-stc\[baselines\]'"
    with pytest.raises(PruneError, match=message):
        prune_for_classes(plain, samples, SETTINGS)

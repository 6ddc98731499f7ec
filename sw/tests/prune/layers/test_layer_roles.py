"""The first layer and the one that makes the outputs, in whatever order layers are registered."""

from dataclasses import dataclass
from typing import NamedTuple

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from crisp_sw.models import build_model
from crisp_sw.prune.errors import PruneError
from crisp_sw.prune.layers.exclusions import excluded_layers
from crisp_sw.prune.layers.layer_roles import first_layer, output_layer
from crisp_sw.prune.settings.layer_choice import LayerChoice


class TwoHeads(nn.Module):
    """Two layers that fit, and a way from the first of them to the result."""

    def __init__(self, after=lambda logits: logits):
        super().__init__()
        self.head, self.unused = nn.Linear(8, 4), nn.Linear(8, 4)
        self.after = after

    def forward(self, x):
        return self.after(self.head(x))


class Named(NamedTuple):
    aux: torch.Tensor
    logits: torch.Tensor


@dataclass
class Fields:
    logits: torch.Tensor
    aux: torch.Tensor


@pytest.mark.parametrize(
    "after",
    [
        lambda x: x,
        lambda x: F.log_softmax(x, dim=1),
        lambda x: torch.softmax(input=x, dim=1).float(),
        lambda x: x.view(x.size(0), -1) / 0.5,
        lambda x: 2.0 * x.squeeze(-1),
        lambda x: F.adaptive_avg_pool2d(F.dropout(x), 1).flatten(1),
        lambda x: Named(aux=x + 1, logits=x.sigmoid()),
        lambda x: Fields(logits=x, aux=x),
    ],
)
def test_what_keeps_classes_apart_is_followed_back(after):
    assert output_layer(TwoHeads(after), otherwise="") == "head"


@pytest.mark.parametrize(
    ("after", "reason"),
    [
        (lambda x: x + x.mean(), "as they come from 'add'"),
        (lambda x: torch.cat([x, x], 1), "as they come from '.*cat.*'"),
        (lambda x: x @ x, "as they come from '.*matmul.*'"),
        (lambda x: x * x.mean(), "as they come from '.*mul.*'"),
        (lambda x: x[:, :2], "as they come from '.*getitem.*'"),
        (lambda x: {"logits": x}, "as its result is {'logits': head}, not one tensor"),
        (lambda x: x if x.sum() > 0 else -x, "as TwoHeads cannot be traced"),
        (lambda x: torch.zeros(4), "as .*, not one tensor|as they come from"),
    ],
)
def test_what_cannot_be_told_is_asked_for(after, reason):
    with pytest.raises(PruneError, match=f"cannot tell which layer makes .*, {reason}.*; expected a name"):
        output_layer(TwoHeads(after), otherwise="a name")


class Untraceable(nn.Module):
    """A block whose code depends on values."""

    def forward(self, x):
        return x if x.sum() > 0 else -x


class OwnLinear(nn.Linear):
    """Known as a layer, whatever its code."""

    def forward(self, x):
        return super().forward(x) if len(x) else x


def test_only_the_way_back_must_be_traceable():
    model = nn.Sequential(
        nn.Sequential(Untraceable(), nn.Linear(8, 8)), OwnLinear(8, 4), nn.Dropout(), nn.Softmax(1)
    )
    assert output_layer(model, otherwise="") == "1"
    with pytest.raises(PruneError, match="they come from '2', a Untraceable; expected"):
        output_layer(nn.Sequential(nn.Linear(8, 8), nn.ReLU(), Untraceable()), otherwise="")
    with pytest.raises(PruneError, match="they come from '1', a BatchNorm1d; expected"):
        output_layer(nn.Sequential(nn.Linear(8, 8), nn.BatchNorm1d(8)), otherwise="")


class Optional(nn.Module):
    """A head with optional arguments, as those of timm and of Transformers have them."""

    def __init__(self):
        super().__init__()
        self.drop, self.fc = nn.Dropout(), nn.Linear(8, 4)

    def forward(self, x=None, pre_logits=False, *, labels=None, scale: float = 1.0, **others):
        if x is None:
            raise ValueError("no images")
        x = self.drop(x)
        if pre_logits:
            return x
        if labels is not None:
            return F.cross_entropy(self.fc(x), labels)
        return self.fc(x) * scale


@pytest.mark.parametrize(
    ("model", "name"), [(Optional(), "fc"), (nn.Sequential(nn.Linear(8, 8), Optional()), "1.fc")]
)
def test_optional_arguments_are_at_their_defaults(model, name):
    assert output_layer(model, otherwise="") == name


class LateStem(nn.Module):
    """The layer that runs first is registered last."""

    def __init__(self):
        super().__init__()
        self.fc, self.stem = nn.Linear(8, 4), nn.Conv2d(1, 8, 3)

    def forward(self, x):
        return self.fc(self.stem(x).mean((2, 3)))


class Hidden(nn.Module):
    """Has a layer that tracing does not reach."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Linear(8, 8)

    def forward(self, x):
        return self.stem(x) if x.sum() > 0 else x


def test_first_layer_is_the_one_that_runs_first():
    assert first_layer(LateStem(), otherwise="") == "stem"
    assert excluded_layers(LateStem(), LayerChoice(dense_first=True)) == {"stem": "the first layer"}
    assert first_layer(nn.Sequential(Untraceable(), OwnLinear(8, 4)), otherwise="") == "1"
    with pytest.raises(
        PruneError, match=r"cannot tell which .* is the first, as '0', a Hidden, cannot be traced"
    ):
        first_layer(nn.Sequential(Hidden(), nn.Linear(8, 4)), otherwise="")
    with pytest.raises(PruneError, match=r"as Untraceable cannot be traced .*; expected a name"):
        first_layer(Untraceable(), otherwise="a name")


def test_hooks_do_not_see_what_is_traced():
    model, kept = nn.Sequential(nn.Sequential(nn.Linear(8, 4))), []
    model[0].register_forward_hook(lambda module, inputs, output: kept.append(output))
    assert output_layer(model, otherwise="") == "0.0"
    assert kept == []
    model(torch.ones(1, 8))
    assert len(kept) == 1


class Remembers(nn.Module):
    """Keeps what it saw, as many models do."""

    def __init__(self):
        super().__init__()
        self.fc, self.seen = nn.Linear(8, 4), None

    def forward(self, x):
        self.seen = x
        return self.fc(x)


def test_tracing_leaves_no_trace():
    model = Remembers().train()
    assert output_layer(model, otherwise="") == "fc"
    assert model.seen is None
    assert model.training


def test_models_of_the_package():
    names = {
        "small-resnet": "linear",
        "resnet18": "fc",
        "mobilenet-v2": "classifier.1",
        "vgg16-bn-32px": "classifier.6",
    }
    for name, expected in names.items():
        with torch.device("meta"):
            model = build_model(name, in_channels=3, num_classes=10)
        assert output_layer(model, otherwise="") == expected


class Options(nn.Module):
    """Arguments with defaults, a part put together on the way, and a block of two tensors."""

    def __init__(self):
        super().__init__()
        self.head, self.features = nn.Linear(8, 4), nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 8))
        self.join = Join()

    def forward(self, x, mask=None, features=False):
        x = self.join(self.features[:2](x if mask is None else x * mask), x)
        return x if features else self.head(x)


class Join(nn.Module):
    def forward(self, x, y):
        return x + y


def test_arguments_that_are_not_given_have_their_defaults():
    assert output_layer(Options(), otherwise="") == "head"
    assert first_layer(nn.Sequential(nn.DataParallel(Options())), otherwise="") == "0.module.features.0"

"""The whole loop: structure of every layer, determinism, progress, errors before any training."""

import copy
import itertools
import json
from typing import NamedTuple

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn.utils import parametrize

from crisp_golden.format.pattern import check_structure
from crisp_golden.format.weight_matrix import expand_groups
from crisp_sw.prune import (
    CrispPruning,
    SamplesError,
    UnreachableSparsityError,
    fine_tune_dense,
    prune_for_classes,
    restrict_classifier,
)
from crisp_sw.prune.masks.masking import dense_weight
from crisp_sw.prune.tuning.inference import accuracy, collect_logits
from sw.tests.prune.changed_settings import changed
from sw.tests.prune.structure import structures

UNPRUNABLE = "ConvTranspose2d: only Conv2d and Linear can be pruned"
QUICK = CrispPruning.of(
    n=2,
    m=4,
    block=8,
    sparsity=0.8,
    iterations=2,
    epochs_per_iteration=1,
    final_epochs=2,
    batch_size=16,
    min_kept_share=0.0,
)


def check_patterns(result) -> None:
    """The reported patterns must hold every weight, by golden's checker, and the report its figures."""
    figures = {layer.name: layer for layer in result.report.layers}
    for name, pattern in result.patterns.items():
        module = result.model.get_submodule(name)
        weight = module.weight.detach().numpy()
        weight = weight.reshape(*weight.shape, *(1,) * (4 - weight.ndim))
        check_structure(expand_groups(weight, getattr(module, "groups", 1)), pattern, name)
        assert np.count_nonzero(weight) == figures[name].kept_weights


def check_structures(result) -> None:
    """The weights must have the structure that the settings promise, whatever masks and reports say."""
    figures = {layer.name: layer for layer in result.report.layers}
    for name, structure in structures(result.model, result.patterns, result.report.settings).items():
        structure.check()
        blocks = structure.blocks()
        assert (figures[name].kept_blocks, figures[name].total_blocks) == (blocks.sum(), blocks.size)
        assert set(blocks.sum(1)) == {figures[name].kept_per_row}


def test_every_layer_has_its_pattern(mixed_net, samples):
    result = prune_for_classes(mixed_net, samples, QUICK)
    check_patterns(result)
    check_structures(result)
    assert list(result.patterns) == ["conv", "pointwise", "grouped", "linear"]
    assert [layer.name for layer in result.report.layers] == [
        *("stem", "conv", "depthwise", "pointwise", "grouped", "linear")
    ]
    assert 0.8 <= result.report.sparsity < 0.86
    assert result.report.model_sparsity < result.report.sparsity
    assert json.loads(json.dumps(result.report.to_json()))["sparsity"] == result.report.sparsity


@pytest.mark.parametrize(
    "changes",
    [
        {"method": "nm", "sparsity": 0.5},
        {"method": "block"},
        {"method": "unstructured"},
        {"method": "reference_compat", "sparsity": 0.7},
        {"matrix_order": "oihw"},
        {"saliency": "magnitude", "gradient": "masked"},
        {"saliency": "random", "nm_choice": "monotone"},
        {"schedule": "crisp", "gradient": "sr-ste", "layer_norm": "l2"},
        {"nm_choice": "every-step", "gradient": "sr-ste", "sr_ste_decay": 0.01},
        {"depthwise": "hybrid", "small_layers": "hybrid"},
        {"precision": "bfloat16", "crop_padding": 1, "saliency_samples": 16},
    ],
    ids=str,
)
def test_every_choice_reaches_its_target_in_a_pattern(mixed_net, samples, changes):
    chosen = changed(QUICK, **changes)
    result = prune_for_classes(mixed_net, samples, chosen)
    assert chosen.sparsity <= result.report.sparsity < chosen.sparsity + 0.06
    check_patterns(result)
    if chosen.method not in ("unstructured", "reference_compat"):
        check_structures(result)
    repeated = prune_for_classes(mixed_net, samples, chosen).model.state_dict()
    assert all(torch.equal(value, repeated[name]) for name, value in result.model.state_dict().items())


LEARNING = changed(
    QUICK,
    iterations=1,
    epochs_per_iteration=2,
    batch_size=96,
    learning_rate=0.05,
    momentum=0.0,
    weight_decay=0.0,
    distillation=0.0,
)
"""One step an epoch, by the gradient alone: two with the mask that may move, two with the final one."""


def weights_before_each_step(model, samples, chosen) -> tuple[list[torch.Tensor], torch.Tensor]:
    """The dense weights of `conv` as every training step of a run finds them, and its last mask."""
    model, weights, masks = copy.deepcopy(model), [], []

    def record(module, args):
        if module.training and parametrize.is_parametrized(module):
            weights.append(dense_weight(module).detach().clone())
            masks.append(module.parametrizations.weight[0].mask.clone())

    model.conv.register_forward_pre_hook(record)
    prune_for_classes(model, samples, chosen)
    assert len(weights) == chosen.training.total_epochs
    return weights, masks[-1]


@pytest.mark.parametrize(("gradient", "learn"), [("ste", True), ("sr-ste", True), ("masked", False)])
def test_pruned_weights_learn_as_asked_until_the_final_epochs(mixed_net, samples, gradient, learn):
    weights, mask = weights_before_each_step(mixed_net, samples, changed(LEARNING, gradient=gradient))
    moved = [[bool((b != a)[part].any()) for part in (mask, ~mask)] for a, b in itertools.pairwise(weights)]
    assert moved == [[True, learn], [True, learn], [True, False]]


def test_decay_of_sr_ste_is_the_one_asked_for(mixed_net, samples):
    plain, mask = weights_before_each_step(mixed_net, samples, LEARNING)
    for decay in (0.5, 1.0):
        chosen = changed(LEARNING, gradient="sr-ste", sr_ste_decay=decay)
        decayed, _ = weights_before_each_step(mixed_net, samples, chosen)
        expected = plain[1] - 0.05 * decay * plain[0] * ~mask
        torch.testing.assert_close(decayed[1], expected, rtol=0.0, atol=1e-7)


class WithUpsampling(nn.Module):
    """Its second layer can be pruned by no method."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 16, 3)
        self.up = nn.ConvTranspose2d(16, 24, 2, bias=False)
        self.linear = nn.Linear(24, 4)

    def forward(self, x):
        return self.linear(self.up(self.conv(x).relu()).relu().mean((2, 3)))


@pytest.mark.parametrize("method", ["crisp", "dense", "channel"])
def test_report_has_layers_that_no_method_prunes(samples, method):
    if method == "channel":
        pytest.importorskip("torch_pruning")
    torch.manual_seed(0)
    chosen = changed(QUICK, method=method, sparsity=0.5, small_layers="hybrid")
    report = prune_for_classes(WithUpsampling(), samples, chosen).report
    assert [layer.name for layer in report.layers] == ["conv", "up", "linear"]
    up = report.layers[1]
    assert up.weights == 16 * 24 * 4
    assert up.dense_reason == ("method dense" if method == "dense" else UNPRUNABLE)
    assert sum(layer.weights for layer in report.layers) == 16 * 9 + up.weights + 24 * 4
    if method == "crisp":
        assert up.kept_weights == up.weights
        assert 0 < report.model_sparsity < 0.1 < 0.5 <= report.sparsity


def test_dense_method_only_fine_tunes(mixed_net, samples):
    chosen, events = changed(QUICK, method="dense"), []
    result = prune_for_classes(mixed_net, samples, chosen, on_progress=events.append)
    expected = fine_tune_dense(mixed_net, samples, chosen).state_dict()
    assert all(torch.equal(value, expected[name]) for name, value in result.model.state_dict().items())
    assert (result.patterns, result.report.sparsity, result.report.model_sparsity) == ({}, 0.0, 0.0)
    assert [(event.stage, event.epoch) for event in events] == [("fine-tune", n) for n in (1, 2, 3, 4)]
    assert {layer.dense_reason for layer in result.report.layers} == {"method dense"}


def test_teacher_of_ones_own(mixed_net, samples):
    chosen = changed(QUICK, distillation=1.0)
    teacher = fine_tune_dense(mixed_net, samples, changed(QUICK, distillation=0.0))
    taught = prune_for_classes(mixed_net, samples, chosen, teacher=teacher).model.state_dict()
    alone = prune_for_classes(mixed_net, samples, chosen).model.state_dict()
    assert not torch.equal(taught["conv.weight"], alone["conv.weight"])


def test_fewer_samples_than_a_batch(mixed_net, samples):
    with pytest.raises(SamplesError, match="96 samples are fewer than one batch of 128; expected"):
        prune_for_classes(mixed_net, samples, changed(QUICK, batch_size=128))


def test_result_is_a_plain_model_in_inference_mode(mixed_net, samples):
    result = prune_for_classes(mixed_net, samples, QUICK)
    assert list(result.model.state_dict()) == list(mixed_net.state_dict())
    assert not result.model.training
    assert type(result.model.get_submodule("linear")) is nn.Linear
    assert all(value.is_contiguous() for value in result.model.state_dict().values())


def test_given_model_is_left_alone(mixed_net, samples):
    before = {name: value.clone() for name, value in mixed_net.state_dict().items()}
    prune_for_classes(mixed_net, samples, QUICK)
    assert all(torch.equal(before[name], value) for name, value in mixed_net.state_dict().items())


class Outputs(NamedTuple):
    """As torchvision's models with auxiliary heads give in training."""

    logits: torch.Tensor
    aux: torch.Tensor | None


class WithAuxiliaryHead(nn.Module):
    """Another network with a second classifier beside it, which only answers in training, or with none."""

    def __init__(self, network: nn.Module, *, head: bool):
        super().__init__()
        self.network, self.head = network, nn.Linear(64, 4) if head else None

    def forward(self, x):
        logits = self.network(x)
        if self.head is None:
            return Outputs(logits, None)
        return Outputs(logits, self.head(x.flatten(1))) if self.training else logits


@pytest.mark.parametrize(("head", "padding"), [(True, 0), (False, 0), (False, 1)])
def test_logits_of_a_named_tuple_are_trained_alone(mixed_net, samples, head, padding):
    model = WithAuxiliaryHead(mixed_net, head=head)
    chosen = changed(QUICK, exclude=("head",) if head else (), crop_padding=padding)
    alone = prune_for_classes(mixed_net, samples, changed(chosen, exclude=())).model
    result = prune_for_classes(model, samples, chosen).model
    for name, value in alone.state_dict().items():
        assert torch.equal(result.state_dict()[f"network.{name}"], value), name
    if head:
        assert torch.equal(result.get_parameter("head.weight"), model.get_parameter("head.weight"))


@pytest.mark.parametrize("method", ["crisp", "dense"])
def test_modes_of_a_model_s_modules_are_left_alone(mixed_net, samples, method):
    mixed_net.train().bn.eval()
    before = {name: module.training for name, module in mixed_net.named_modules()}
    prune_for_classes(mixed_net, samples, changed(QUICK, method=method))
    assert {name: module.training for name, module in mixed_net.named_modules()} == before


def test_same_seed_same_result_and_other_seed_another(mixed_net, samples):
    def weights(seed: int) -> dict[str, torch.Tensor]:
        chosen = CrispPruning.of(n=1, block=8, sparsity=0.8, iterations=1, final_epochs=1, seed=seed)
        return prune_for_classes(mixed_net, samples, chosen).model.state_dict()

    first, second, other = weights(3), weights(3), weights(4)
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not torch.equal(first["conv.weight"], other["conv.weight"])


def test_progress_tells_every_step(mixed_net, samples):
    events = []
    prune_for_classes(mixed_net, samples, QUICK, on_progress=events.append)
    stages = ["prune", "fine-tune", "prune", "fine-tune", "fine-tune", "fine-tune"]
    assert [event.stage for event in events] == stages
    assert [event.epoch for event in events] == [0, 1, 1, 2, 3, 4]
    assert {event.epochs for event in events} == {4}
    assert all((event.loss is None) == (event.stage == "prune") for event in events)
    sparsities = [event.sparsity for event in events]
    assert sparsities == sorted(sparsities)
    assert sparsities[-1] >= 0.8


def test_pruned_network_still_learns_its_classes(mixed_net, samples):
    chosen = CrispPruning.of(
        n=2, block=8, sparsity=0.75, batch_size=16, iterations=3, epochs_per_iteration=4, final_epochs=12
    )
    result = prune_for_classes(mixed_net, samples, chosen)
    assert accuracy(collect_logits(result.model, samples, batch_size=32), samples.labels) > 0.95


def test_blocks_never_come_back(mixed_net, samples):
    def kept_after(iterations: int):
        # The same schedule, cut off: linear targets up to 0.5 + 0.1 * iterations.
        chosen = CrispPruning.of(
            block=8,
            sparsity=0.5 + 0.1 * iterations,
            iterations=iterations,
            schedule="linear",
            final_epochs=0,
            min_kept_share=0.0,
        )
        return {
            name: pattern.block_mask
            for name, pattern in prune_for_classes(mixed_net, samples, chosen).patterns.items()
        }

    for before, after in itertools.pairwise(kept_after(iterations) for iterations in (1, 2, 3)):
        assert all(not (after[name] & ~before[name]).any() for name in before)


def prune_if_reachable(model, samples, chosen):
    """None where a layer of one block per row stands in the way of the target."""
    try:
        return prune_for_classes(model, samples, chosen)
    except UnreachableSparsityError:
        return None


@settings(deadline=None, max_examples=12, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(
    channels=st.lists(st.integers(4, 40), min_size=2, max_size=3),
    kernel=st.sampled_from([1, 3]),
    n=st.integers(1, 4),
    block=st.sampled_from([4, 8, 16]),
    seed=st.integers(0, 100),
)
def test_any_shape_gets_its_pattern(samples_of_stripes, channels, kernel, n, block, seed):
    torch.manual_seed(seed)
    convolutions = [
        layer
        for a, b in itertools.pairwise([1, *channels])
        for layer in (nn.Conv2d(a, b, kernel, padding=kernel // 2), nn.ReLU())
    ]
    model = nn.Sequential(*convolutions, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels[-1], 4))
    chosen = CrispPruning.of(
        n=n,
        block=block,
        sparsity=0.3,
        iterations=2,
        epochs_per_iteration=0,
        final_epochs=1,
        min_kept_share=0.0,
        small_layers="hybrid",
        batch_size=8,
    )
    result = prune_if_reachable(model, samples_of_stripes, chosen)
    if result is None:
        reject()
    check_patterns(result)
    check_structures(result)
    assert result.report.sparsity >= 0.3 - 1e-9


def test_unreachable_target_fails_before_training(mixed_net, samples):
    chosen = CrispPruning.of(n=4, m=4, block=8, sparsity=0.95, min_kept_blocks=2)
    events = []
    with pytest.raises(
        UnreachableSparsityError, match=r"`sparsity` 0.95 cannot be reached: the nearest is 0\.\d{4}"
    ):
        prune_for_classes(mixed_net, samples, chosen, on_progress=events.append)
    assert events == []


def test_labels_beyond_the_outputs(mixed_net, samples):
    with pytest.raises(SamplesError, match="label 3 does not fit the model's output"):
        prune_for_classes(restrict_classifier(mixed_net, (0, 1)), samples, QUICK)

"""Runs refuse models that are not finite before any training, and never return one."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from crisp_sw.errors import ModelError
from crisp_sw.prune import (
    CrispSparsifier,
    LayerRule,
    PruneError,
    SamplesError,
    computed_sparsity,
    fine_tune_dense,
    prune_for_classes,
    restrict_classifier,
    settings_from_json,
    settings_of,
)
from crisp_sw.prune.run.run_checks import require_finite_weights
from sw.tests.prune.changed_settings import changed, of_method

SETTINGS = settings_of(
    n=2, block=8, sparsity=0.7, iterations=1, final_epochs=1, batch_size=16, min_kept_share=0.0
)
METHODS = ("crisp", "unstructured", "dense")


def spoiled(model: nn.Module, name: str, value: float) -> nn.Module:
    with torch.no_grad():
        model.state_dict()[name].flatten()[3] = value
    return model


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("conv.weight", float("nan"), "the weight of 'conv' holds NaN; expected finite numbers: check the"),
        ("linear.bias", float("-inf"), "the bias of 'linear' holds infinite values; expected finite numbers"),
        ("bn.running_var", float("nan"), "the running_var of 'bn' holds NaN; expected finite numbers"),
    ],
)
def test_model_that_is_not_finite_is_blamed(mixed_net, samples, method, name, value, message):
    events = []
    with pytest.raises(PruneError, match=message):
        prune_for_classes(
            spoiled(mixed_net, name, value),
            samples,
            changed(SETTINGS, method=method),
            on_progress=events.append,
        )
    assert events == []


def test_teacher_that_is_not_finite_or_has_other_outputs(mixed_net, samples):
    teacher = spoiled(type(mixed_net)(), "stem.weight", float("nan"))
    with pytest.raises(PruneError, match="the weight of 'stem' of the teacher holds NaN"):
        prune_for_classes(mixed_net, samples, SETTINGS, teacher=teacher)
    with pytest.raises(PruneError, match="the teacher has 7 outputs; expected 4, as the model has"):
        fine_tune_dense(mixed_net, samples, SETTINGS, teacher=type(mixed_net)(classes=7))


@pytest.mark.parametrize("method", [*METHODS, "channel"])
@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ({"exclude": ("nonsense",)}, "`exclude` pattern 'nonsense' matches no layer; expected one of stem,"),
        ({"exclude_types": ("Linaer",)}, "`exclude_types` 'Linaer' matches no layer; expected one of Conv2d"),
        ({"rules": (LayerRule(name="bn", dense=True),)}, "the rule for name 'bn' names 'bn', a BatchNorm2d"),
    ],
    ids=str,
)
def test_exclusions_are_of_the_model_s_layers(mixed_net, samples, method, choices, message):
    with pytest.raises(PruneError, match=message):
        prune_for_classes(mixed_net, samples, changed(SETTINGS, method=method, **choices))


@pytest.mark.parametrize("method", METHODS)
def test_transfer_set_that_is_not_there(mixed_net, samples, method):
    settings = changed(SETTINGS, method=method, unlabelled_batch=8)
    message = "there are no `unlabelled` images for `unlabelled_batch` 8; expected at least 1, or 0 of them"
    with pytest.raises(SamplesError, match=message):
        prune_for_classes(mixed_net, samples, settings)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("border", "padding"), [("mirror", 40), ("black", 8), ("black", 100_000)])
def test_crops_outside_of_the_images_are_refused_before_any_step(
    mixed_net, samples, method, border, padding, tmp_path
):
    settings = changed(SETTINGS, method=method, crop_border=border, crop_padding=padding)
    events = []
    message = f"`crop_padding` must be at most 7 for images of 8 x 8 pixels, not {padding}"
    with pytest.raises(PruneError, match=message):
        prune_for_classes(mixed_net, samples, settings, state_dir=tmp_path, on_progress=events.append)
    with pytest.raises(PruneError, match=message):
        fine_tune_dense(mixed_net, samples, settings, state_dir=tmp_path)
    assert (events, list(tmp_path.iterdir())) == ([], [])


@pytest.mark.parametrize("border", ["mirror", "black"])
def test_highest_seed_and_crop_are_taken(mixed_net, samples, border):
    settings = SETTINGS.with_values(crop_border=border, crop_padding=7, seed=2**64 - 1, saliency="random")
    assert prune_for_classes(mixed_net, samples, settings).report.settings.training.seed == 2**64 - 1


@pytest.mark.parametrize("method", METHODS)
def test_weights_that_the_last_step_spoils_are_not_returned(mixed_net, samples, method, tmp_path):
    # The only step has a finite gradient; what it makes of the weights overflows afterwards.
    settings = changed(
        SETTINGS, method=method, learning_rate=1e38, batch_size=96, epochs_per_iteration=0, distillation=0.0
    )
    message = r"the \w+ of '\w+' after fine-tuning holds (NaN|infinite values); .* lower `learning_rate`"
    with pytest.raises(PruneError, match=message):
        prune_for_classes(mixed_net, samples, settings, state_dir=tmp_path)


class Tuples(nn.Module):
    """Has a second answer in training."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 16, 3)
        self.linear = nn.Linear(16, 4)

    def forward(self, x):
        features = self.conv(x).relu().mean((2, 3))
        logits = self.linear(features)
        return (logits, features) if self.training else logits


@pytest.mark.parametrize("method", METHODS)
def test_model_that_cannot_be_trained_is_refused_before(samples, method):
    events = []
    with pytest.raises(
        SamplesError, match="the model's output is a tuple; expected a tensor of logits, or a"
    ):
        prune_for_classes(Tuples(), samples, changed(SETTINGS, method=method), on_progress=events.append)
    assert events == []


@pytest.mark.parametrize("method", METHODS)
def test_model_for_other_images_is_refused(mixed_net, samples, method):
    coloured = replace(samples, images=samples.images.expand(-1, 3, -1, -1))
    message = (
        r"the model fails in inference on 1 image\(s\) of shape \[3, 8, 8\]: RuntimeError: .* to have 1 "
        r"channels.*; expected one for images of that shape"
    )
    with pytest.raises(SamplesError, match=message):
        prune_for_classes(mixed_net, coloured, changed(SETTINGS, method=method))


def with_late_norm() -> nn.Sequential:
    """BatchNorm of one value per channel and image, which one image alone cannot train."""
    return nn.Sequential(nn.Conv2d(1, 16, 8), nn.BatchNorm2d(16), nn.Flatten(), nn.Linear(16, 4))


def test_batches_that_batch_norm_cannot_train_on(samples):
    settings = SETTINGS.with_values(small_layers="hybrid", sparsity=0.5)
    prune_for_classes(with_late_norm(), samples, settings)
    message = "the model fails in training on 1 image.*: ValueError: Expected more than 1 value per channel"
    with pytest.raises(SamplesError, match=message):
        prune_for_classes(with_late_norm(), samples, settings.with_values(batch_size=1))


@pytest.mark.parametrize("method", ["crisp", "dense"])
def test_models_without_a_backward_pass_are_refused_before_training(samples, method):
    spoilt = nn.Sequential(nn.Sigmoid(), nn.Threshold(0.5, 0.0, inplace=True))
    head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 4))
    model = nn.Sequential(nn.Conv2d(1, 16, 3), nn.Conv2d(16, 16, 3), spoilt, head)
    settings, events = of_method(method, n=2, block=8), []
    with pytest.raises(SamplesError, match=r"the model fails in training on 2 .*modified by an inplace oper"):
        prune_for_classes(model, samples, settings, on_progress=events.append)
    assert events == []


class Observed(nn.Conv2d):
    """Notes the largest input, also in inference mode, as observers of quantization do."""

    largest: torch.Tensor

    def __init__(self):
        super().__init__(1, 16, 3, padding=1)
        self.register_buffer("largest", torch.zeros(()))

    def forward(self, input):
        self.largest.copy_(input.max())
        return super().forward(input)


@pytest.mark.parametrize("method", ["crisp", "dense", "channel"])
def test_models_that_change_in_inference_are_left_as_they_are(samples, method):
    model = nn.Sequential(
        Observed(), nn.ReLU(), nn.Conv2d(16, 16, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 4)
    )
    settings = of_method(method, n=2, block=8, sparsity=0.3, iterations=1, final_epochs=0, batch_size=16)
    prune_for_classes(model, samples, settings)
    assert model.state_dict()["0.largest"] == 0


def test_infinities_of_buffers_are_fine():
    model = nn.Linear(4, 4)
    model.register_buffer("mask", torch.full((4,), float("-inf")))
    require_finite_weights(model)


CALLS = {
    "prune_for_classes": prune_for_classes,
    "fine_tune_dense": fine_tune_dense,
    "CrispSparsifier": lambda model, samples, settings: CrispSparsifier(n=2).prepare(model),
    "computed_sparsity": lambda model, samples, settings: computed_sparsity(model, samples.images),
    "restrict_classifier": lambda model, samples, settings: restrict_classifier(model, (0, 1)),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize(
    ("model", "found"), [(None, "a NoneType"), ({"fc.weight": 1}, "a dict"), (nn.Linear, "the class Linear")]
)
def test_what_is_no_network(samples, call, model, found):
    with pytest.raises(ModelError, match=f"a network must be a torch.nn.Module, not {found}"):
        call(model, samples, SETTINGS)


def lazy(model: nn.Module) -> nn.Module:
    model.linear = nn.LazyLinear(4)
    return model


def eighths(model: nn.Module) -> nn.Module:
    weight = model.get_parameter("conv.weight").detach().to(torch.float8_e4m3fn)
    model.get_submodule("conv").weight = nn.Parameter(weight, requires_grad=False)
    return model


def inferred(model: nn.Module) -> nn.Module:
    with torch.inference_mode():
        return type(model)()


@pytest.mark.parametrize("call", [call for name, call in CALLS.items() if name != "restrict_classifier"])
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lazy,
            "the tensor 'linear.weight' of the model has no shape yet; expected a model that has run once",
        ),
        (
            lambda model: model.to("meta"),
            "the tensor 'stem.weight' of the model is on the meta device, without",
        ),
        (eighths, "the tensor 'conv.weight' of the model is torch.float8_e4m3fn; expected float16, bfloat16"),
        (
            inferred,
            "'stem.weight' of the model was made in `torch.inference_mode`; expected a model made outsi",
        ),
        (
            lambda model: torch.jit.script(model),
            "a scripted model cannot be changed; expected the module that",
        ),
    ],
    ids=["lazy", "meta", "float8", "inference", "scripted"],
)
@pytest.mark.filterwarnings("ignore:.*torch.jit.*:DeprecationWarning", "ignore:.*torch.jit.*:FutureWarning")
def test_models_whose_weights_cannot_be_trained(mixed_net, samples, call, change, message):
    with pytest.raises(PruneError, match=message):
        call(change(mixed_net), samples, SETTINGS)


@pytest.mark.parametrize("prune", [prune_for_classes, fine_tune_dense])
def test_arguments_of_other_types(mixed_net, samples, prune):
    with pytest.raises(SamplesError, match="`samples` must be a ClassSamples, not a tuple"):
        prune(mixed_net, (samples.images, samples.labels), SETTINGS)
    for settings in ({}, {"n": 2}, "crisp"):
        with pytest.raises(PruneError, match="`settings` must be PruneSettings, not"):
            prune(mixed_net, samples, settings)
    callback = "on_progress" if prune is prune_for_classes else "on_epoch"
    with pytest.raises(PruneError, match=f"`{callback}` must be a function, not 5"):
        prune(mixed_net, samples, SETTINGS, **{callback: 5})
    with pytest.raises(PruneError, match="settings must be values by name, not None"):
        settings_from_json(None)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("method", [*METHODS, "channel"])
def test_first_parameter_of_integers_is_not_the_type_of_images(mixed_net, samples, method):
    if method == "channel":
        pytest.importorskip("torch_pruning")
    mixed_net.steps = nn.Parameter(torch.ones(1, dtype=torch.int64), requires_grad=False)
    assert next(mixed_net.parameters()).dtype == torch.int64
    result = prune_for_classes(mixed_net, samples, changed(SETTINGS, method=method, sparsity=0.5))
    assert result.model.get_parameter("steps").dtype == torch.int64

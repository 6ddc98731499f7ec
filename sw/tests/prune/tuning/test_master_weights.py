"""Models of any type are trained in float32 and come back as they were; samples follow type and device."""

from dataclasses import replace

import pytest
import torch

from crisp_sw.prune import CrispPruning, fine_tune_dense, prune_for_classes
from crisp_sw.prune.tuning.batch_norm import reestimate_batch_norm
from crisp_sw.prune.tuning.fine_tuning import FineTuner
from crisp_sw.prune.tuning.inference import accuracy, collect_logits, require_outputs
from crisp_sw.prune.tuning.master_weights import give_types_of, master_copy
from crisp_sw.prune.tuning.saliency import measure_saliency
from crisp_sw.prune.tuning.teacher import Teacher
from sw.tests.prune.changed_settings import changed

SETTINGS = CrispPruning.of(
    n=2,
    block=8,
    sparsity=0.7,
    iterations=2,
    final_epochs=12,
    batch_size=16,
    min_kept_share=0.0,
    flip=True,
)


def dtypes(model) -> set[torch.dtype]:
    return {value.dtype for value in model.state_dict().values() if value.is_floating_point()}


@pytest.mark.parametrize("method", ["crisp", "dense", "channel"])
def test_bfloat16_model_is_pruned_and_stays_one(mixed_net, samples, method):
    if method == "channel":
        pytest.importorskip("torch_pruning")
    model = mixed_net.bfloat16()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    result = prune_for_classes(model, samples, changed(SETTINGS, method=method))
    assert dtypes(result.model) == {torch.bfloat16}
    assert method == "dense" or result.report.sparsity >= 0.7
    for layer in result.report.layers:
        weight = result.model.get_parameter(f"{layer.name}.weight")
        assert int(weight.count_nonzero()) <= layer.kept_weights
    logits = collect_logits(result.model, samples, batch_size=32)
    assert accuracy(logits, samples.labels) > 0.9
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


def test_training_is_that_of_the_same_weights_in_float32(mixed_net, samples):
    rounded = mixed_net.bfloat16()
    settings = SETTINGS.with_values(distillation=0.0, final_epochs=1)
    tuned = fine_tune_dense(rounded, samples, settings)
    exact = fine_tune_dense(master_copy(rounded), samples, settings)
    assert dtypes(exact) == {torch.float32}
    expected = exact.bfloat16().state_dict()
    assert all(torch.equal(value, expected[name]) for name, value in tuned.state_dict().items())


def test_types_may_differ_from_layer_to_layer(mixed_net):
    mixed_net.bfloat16()
    mixed_net.bn.float()
    copied = master_copy(mixed_net)
    assert dtypes(copied) == {torch.float32}
    give_types_of(mixed_net, copied)
    assert {name: value.dtype for name, value in copied.state_dict().items()} == {
        name: value.dtype for name, value in mixed_net.state_dict().items()
    }


@pytest.mark.parametrize(
    "use",
    [
        lambda model, samples: collect_logits(model, samples, batch_size=32),
        lambda model, samples: require_outputs(model, samples),
        lambda model, samples: reestimate_batch_norm(model, samples, batch_size=32),
        lambda model, samples: measure_saliency(
            model, {"": model.conv.weight}, samples, SETTINGS.scoring, SETTINGS.training
        ),
        lambda model, samples: FineTuner(
            model, samples, SETTINGS.training.with_values(distillation=0), None
        ).train_epoch(0),
        lambda model, samples: Teacher(model, samples, SETTINGS.training).logits(
            torch.arange(2), samples.normalised(torch.arange(2))
        ),
    ],
    ids=["logits", "outputs", "batch norm", "saliency", "training", "teacher"],
)
def test_whatever_runs_a_model_gives_it_images_of_its_type(mixed_net, samples, use):
    # Type and device are those of the first parameter, both or neither.
    use(mixed_net.bfloat16(), samples)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize(
    ("method", "place_samples"), [("crisp", False), ("crisp", True), ("dense", False), ("channel", False)]
)
def test_cuda_model_is_pruned_where_it_is(mixed_net, samples, method, place_samples, tmp_path):
    if method == "channel":
        pytest.importorskip("torch_pruning")
    if place_samples:
        samples = replace(samples, images=samples.images.cuda(), labels=samples.labels.cuda())
    result = prune_for_classes(
        mixed_net.cuda(), samples, changed(SETTINGS, method=method), state_dir=tmp_path
    )
    assert {value.device.type for value in result.model.state_dict().values()} == {"cuda"}
    logits = collect_logits(result.model, samples, batch_size=32)
    assert accuracy(logits, samples.labels.cpu()) > 0.9

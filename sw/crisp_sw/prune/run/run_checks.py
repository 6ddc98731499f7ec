"""What a run asks of its arguments before any training, and what it promises of its result."""

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from crisp_sw.data.augment import padding_fault
from crisp_sw.modules.wrappers import module_copy, unwrapped
from crisp_sw.prune.errors import PruneError, SamplesError
from crisp_sw.prune.layers.exclusions import excluded_layers
from crisp_sw.prune.settings.fine_tuning_settings import FineTuning
from crisp_sw.prune.settings.prune_settings import PruneSettings
from crisp_sw.prune.tuning.inference import require_outputs, require_training_outputs
from crisp_sw.prune.tuning.samples import ClassSamples


def require_ready(
    model: nn.Module, teacher: nn.Module | None, samples: ClassSamples, settings: PruneSettings
) -> None:
    """Raise unless model, teacher and samples are fit for a run.

    Raises
    ------
    PruneError : ``settings`` are none, an exclusion or rule matches no layer, a weight has no values, is NaN
        or infinite, crops would lie outside of the images, nothing is left to fine-tune, or the teacher has
        other outputs than the model.
    SamplesError : fewer samples than a batch, no unlabelled images where the settings want some, labels or
        classes that do not fit the outputs, or images that the model cannot read or train on.
    """
    _require_types(samples, settings)
    require_values(model)
    _require_images(samples, settings.training)
    excluded_layers(model, settings.layers)
    require_finite_weights(model)
    outputs = require_outputs(model, samples)
    _require_output_per_class(outputs, samples)
    # A batch of one is another case than one of more: some BatchNorms cannot train on it.
    batch = min(2, samples.smallest_batch(settings.training.batch_size))
    learns = settings.training.total_epochs > 0
    require_training_outputs(model, samples, batch=batch, outputs=outputs, learns=learns)
    if teacher is not None and settings.training.teaching.distillation > 0:
        require_values(teacher)
        require_finite_weights(teacher, where=" of the teacher")
        taught = require_outputs(teacher, samples)
        if taught != outputs:
            raise PruneError(f"the teacher has {taught} outputs; expected {outputs}, as the model has")


def _require_types(samples: ClassSamples, settings: PruneSettings) -> None:
    if not isinstance(samples, ClassSamples):
        raise SamplesError(f"`samples` must be a ClassSamples, not a {type(samples).__name__}")
    if not isinstance(settings, PruneSettings):
        raise PruneError(f"`settings` must be PruneSettings, not {settings!r}")


def own_copy(model: nn.Module) -> nn.Module:
    """Return a copy of ``model``, without wrappers, to run: observers change in inference mode too.

    Raises
    ------
    PruneError : as of :func:`require_values`. ModelError : it cannot be copied.
    """
    model = unwrapped(model)
    require_values(model)
    return module_copy(model)


def require_values(model: nn.Module) -> None:
    """Raise PruneError, naming the first, if a tensor of ``model`` has no values that can be changed."""
    if isinstance(model, torch.jit.ScriptModule):
        raise PruneError("a scripted model cannot be changed; expected the module that was scripted")
    for name, value in [*model.named_parameters(), *model.named_buffers()]:
        if is_lazy(value):
            fault = "has no shape yet; expected a model that has run once"
        elif value.is_meta:
            fault = "is on the meta device, without values; expected weights"
        elif value.is_inference():
            fault = "was made in `torch.inference_mode`; expected a model made outside of it"
        elif value.is_floating_point() and value.element_size() < 2:
            fault = f"is {value.dtype}; expected float16, bfloat16, float32 or float64"
        else:
            continue
        raise PruneError(f"the tensor {name!r} of the model {fault}")


def _require_output_per_class(outputs: int, samples: ClassSamples) -> None:
    classes = None if samples.classes is None else len(samples.classes)
    # A single class may stand against an output for all others.
    if classes is not None and outputs != classes and (classes, outputs) != (1, 2):
        raise SamplesError(
            f"the model has {outputs} outputs for {classes} classes; expected {classes}, as after "
            "`restrict_classifier`, whose `layer_name` says which layer makes them"
        )


def _require_images(samples: ClassSamples, training: FineTuning) -> None:
    samples.require_batch(training.batch_size)
    unlabelled = training.teaching.unlabelled_batch
    if unlabelled and samples.unlabelled is None:
        raise SamplesError(
            f"there are no `unlabelled` images for `unlabelled_batch` {unlabelled}; expected at least 1, or "
            "0 of them in each batch"
        )
    fault = padding_fault(samples.images, training.augmentation.crop_padding)
    if fault is not None:
        raise PruneError(fault)


def require_trained(model: nn.Module) -> None:
    """Raise PruneError if training left a weight or a BatchNorm statistic that is not finite."""
    require_finite_weights(model, where=" after fine-tuning", advice="lower `learning_rate`")


def require_finite_weights(
    model: nn.Module, *, where: str = "", advice: str = "check the checkpoint"
) -> None:
    """Raise PruneError, naming the first, if a parameter is not finite or a buffer holds NaN.

    Buffers may hold infinities on purpose, such as those of attention masks.
    """
    for name, value in [*model.named_parameters(), *model.named_buffers()]:
        if bool(value.isnan().any()):
            found = "NaN"
        elif isinstance(value, nn.Parameter) and bool(value.isinf().any()):
            found = "infinite values"
        else:
            continue
        layer, _, what = name.rpartition(".")
        raise PruneError(f"the {what} of {layer!r}{where} holds {found}; expected finite numbers: {advice}")

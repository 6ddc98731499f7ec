"""Pruning for the user's classes: choosing weights in turns with fine-tuning."""

from pathlib import Path

from torch import nn

from crisp_sw.prune.methods.registry import run_maker
from crisp_sw.prune.run.progress import ProgressCallback, ignore_progress
from crisp_sw.prune.run.report import PruneResult
from crisp_sw.prune.run.run_checks import own_copy, require_ready
from crisp_sw.prune.run.run_state import require_place
from crisp_sw.prune.settings.methods import CrispPruning
from crisp_sw.prune.settings.prune_settings import PruneSettings
from crisp_sw.prune.settings.value_checks import require_function
from crisp_sw.prune.tuning.samples import ClassSamples


def prune_for_classes(
    model: nn.Module,
    samples: ClassSamples,
    settings: PruneSettings | None = None,
    *,
    teacher: nn.Module | None = None,
    state_dir: str | Path | None = None,
    resume: bool = False,
    keep_state: bool = False,
    on_progress: ProgressCallback = ignore_progress,
) -> PruneResult:
    """Prune a copy of ``model`` for the classes of ``samples``, by the method whose ``settings`` are given.

    Each iteration measures the saliency, chooses the weights that stay until the target of the iteration is
    reached, and fine-tunes. After the last one the mask is frozen for the final epochs. The same arguments
    give the same result on the same machine with the same number of threads, resumed or not.

    Parameters
    ----------
    model : any module of Conv2d and Linear that maps [N, C, H, W] to logits [N, classes], or to a named tuple
        with such ``logits``, on any device and of any floating type; left unchanged. It is trained in
        float32, and comes back in its own type, out of the wrappers that
        :func:`crisp_sw.modules.wrappers.unwrapped` lists; its layers have their names within. To keep only
        the user's outputs, cut it with :func:`crisp_sw.prune.restrict_classifier` first.
    samples : their labels index the model's outputs.
    settings : of the method, such as :class:`crisp_sw.prune.UnstructuredPruning`; `CrispPruning` if None.
    teacher : distilled from, with the same outputs; ``model`` as it is if None.
    state_dir : where the run is saved after every pruning step and epoch; removed when it is finished. Ctrl-C
        loses at most the epoch under way.
    resume : continue the run in ``state_dir`` if there is one.
    keep_state : leave the finished run in ``state_dir``, where ``resume`` finds its result without training.

    Raises
    ------
    PruneError : a weight of the model is not finite, the settings do not fit the model, a layer computes with
        another weight than its parameter, training diverges, the saved run is another one, or there is no
        ``state_dir`` to resume from or to keep the run in.
    OutputFileError : nothing can be written to ``state_dir``; known before training.
    UnreachableSparsityError : the pattern and the floors allow less than the target; known before training.
    SaliencyError : a gradient is not finite.
    SamplesError : fewer samples than a batch, labels or classes that do not fit the model's outputs, or
        images that the model cannot read or train on; known before training.
    """
    settings, model = CrispPruning() if settings is None else settings, own_copy(model)
    teacher = None if teacher is None else own_copy(teacher)
    require_function("on_progress", on_progress)
    require_place(state_dir, resume=resume, keep_state=keep_state)
    require_ready(model, teacher, samples, settings)
    run = run_maker(settings)(model, samples, settings, teacher, on_progress)
    return run.complete(state_dir, resume=resume, keep_state=keep_state)

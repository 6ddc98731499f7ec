"""The network that fine-tuning distils from."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from crisp_sw.modules.mixed_precision import autocast
from crisp_sw.modules.wrappers import module_copy
from crisp_sw.prune.settings.fine_tuning_settings import FineTuning
from crisp_sw.prune.tuning.inference import as_input, collect_logits, device_of, main_logits
from crisp_sw.prune.tuning.samples import ClassSamples


def distillation_loss(logits: Tensor, targets: Tensor, temperature: float) -> Tensor:
    """Return ``T^2 * KL(softmax(targets / T) || softmax(logits / T))``, the mean over the batch.

    Hinton et al. 2015, "Distilling the knowledge in a neural network", section 2.
    """
    student = functional.log_softmax(logits / temperature, dim=1)
    teacher = functional.log_softmax(targets / temperature, dim=1)
    return functional.kl_div(student, teacher, reduction="batchmean", log_target=True) * temperature**2


class Teacher:
    """Logits of a fixed network for every batch.

    Where batches are augmented, the teacher sees the very same images as the student (Beyer et al. 2022,
    "Knowledge distillation: a good teacher is patient and consistent"), which costs it a forward pass. With
    ``teacher_view`` "original", and without augmentation, its logits for the samples are computed once, for
    whole images.

    Parameters
    ----------
    model : copied; its outputs are compared with the student's.

    Raises
    ------
    SamplesError : the labels do not fit the outputs.
    """

    def __init__(self, model: nn.Module, samples: ClassSamples, training: FineTuning):
        self._precision = training.precision
        self._model = module_copy(model).eval()
        self._logits = None
        if not training.augmentation.changes_images or training.teaching.teacher_view == "original":
            self._logits = collect_logits(
                self._model, samples, batch_size=training.batch_size, precision=training.precision
            )
        self._model.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]

    def logits(self, index: Tensor, images: Tensor) -> Tensor:
        """Return float32[len(index), classes] for samples ``index``.

        Parameters
        ----------
        images : these samples as the student sees them.
        """
        return self.answers(images) if self._logits is None else self._logits[index]

    @torch.no_grad()
    def answers(self, images: Tensor) -> Tensor:
        """Return float32[N, classes] for any images as the student sees them."""
        with autocast(device_of(self._model), self._precision):
            return main_logits(self._model(as_input(images, self._model))).float()

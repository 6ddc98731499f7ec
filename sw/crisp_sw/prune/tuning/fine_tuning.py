"""Fine-tuning on the user's samples, with optional augmentation and distillation."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from crisp_sw.data.augment import augment
from crisp_sw.modules.mixed_precision import autocast
from crisp_sw.modules.modes import start_training
from crisp_sw.prune.errors import PruneError
from crisp_sw.prune.settings.fine_tuning_settings import FineTuning
from crisp_sw.prune.settings.learning_rate import learning_rate_at
from crisp_sw.prune.tuning.batch_norm import reestimate_batch_norm
from crisp_sw.prune.tuning.inference import as_input, device_of, main_logits
from crisp_sw.prune.tuning.random_streams import Stream, seeded, stream_generator, stream_seed
from crisp_sw.prune.tuning.samples import ClassSamples
from crisp_sw.prune.tuning.teacher import Teacher, distillation_loss

__all__ = ["EpochStatistics", "FineTuner", "reestimate_batch_norm"]


@dataclass(frozen=True, kw_only=True)
class EpochStatistics:
    """Mean loss and accuracy over the samples during one epoch of training."""

    loss: float
    accuracy: float


class FineTuner:
    """Trains a model in place, epoch by epoch; all randomness depends on the seed and the epoch's number.

    SGD with Nesterov momentum. The loss is ``(1 - d) * cross-entropy + d * distillation``, where the images
    of a transfer set have a distillation of their own, which is added to that of the samples.

    Parameters
    ----------
    model : every parameter that requires a gradient is trained, the others stay as they are. Modules that are
        in inference mode in a model in training mode stay there.
    teacher : None where ``training`` has no distillation.

    Attributes
    ----------
    optimizer : with the momentum, for saving.
    """

    def __init__(
        self, model: nn.Module, samples: ClassSamples, training: FineTuning, teacher: Teacher | None
    ):
        self._model, self._samples, self._training, self._teacher = model, samples, training, teacher
        self._parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
        self._device = device_of(model)
        self.optimizer = torch.optim.SGD(
            [{"params": self._parameters}],  # a list of none is refused, a group of none is not
            lr=training.learning_rate,
            momentum=training.momentum,
            weight_decay=training.weight_decay,
            nesterov=training.momentum > 0,
        )

    def train_epoch(self, epoch: int) -> EpochStatistics:
        """Train one pass over the samples, the one of number ``epoch`` from 0, and return its statistics.

        Raises
        ------
        PruneError : the loss, or the norm of the gradient, is NaN or infinite.
        """
        training, samples = self._training, self._samples
        augmentation = stream_generator(training.seed, Stream.AUGMENT, epoch)
        order = stream_generator(training.seed, Stream.ORDER, epoch)
        unlabelled = stream_generator(training.seed, Stream.UNLABELLED, epoch)
        alone = epoch >= training.total_epochs - training.teaching.own_epochs
        batches = list(samples.batches(training.batch_size, generator=order))
        loss_sum, right = torch.zeros((), device=self._device), torch.zeros((), device=self._device)
        start_training(self._model)
        with seeded(self._device, stream_seed(training.seed, Stream.DROPOUT, epoch)):
            for step, index in enumerate(batches):
                self.optimizer.param_groups[0]["lr"] = learning_rate_at(training, epoch + step / len(batches))
                images = self._as_seen(samples.images[index], augmentation)
                others = None if alone else self._unlabelled(unlabelled)
                loss, hits = self._train_step(index, images, others)
                loss_sum, right = loss_sum + loss * len(index), right + hits
        return EpochStatistics(loss=float(loss_sum) / len(samples), accuracy=float(right) / len(samples))

    def _unlabelled(self, generator: torch.Generator) -> Tensor | None:
        images, count = self._samples.unlabelled, self._training.teaching.unlabelled_batch
        if images is None or self._teacher is None or not count:
            return None
        index = torch.randint(len(images), (count,), generator=generator)
        return self._as_seen(images[index], generator)

    def _as_seen(self, images: Tensor, generator: torch.Generator) -> Tensor:
        changes = self._training.augmentation
        if changes.changes_images:
            images = augment(
                images.cpu(),
                generator,
                padding=changes.crop_padding,
                border=changes.crop_border,
                flip=changes.flip,
            )
        return as_input(self._samples.normalise(images), self._model)

    def _train_step(self, index: Tensor, images: Tensor, unlabelled: Tensor | None) -> tuple[Tensor, Tensor]:
        training, teaching = self._training, self._training.teaching
        labels = self._samples.labels[index].to(self._device)
        with autocast(self._device, training.precision):
            output = self._model(images if unlabelled is None else torch.cat([images, unlabelled]))
        answers = main_logits(output).float()
        logits = answers[: len(index)]
        loss = functional.cross_entropy(logits, labels, label_smoothing=training.label_smoothing)
        share = teaching.distillation
        if self._teacher is not None and share > 0:
            taught = [self._teacher.logits(index, images)]
            if unlabelled is not None:
                taught.append(self._teacher.answers(unlabelled))
            distillation = sum(
                distillation_loss(given, targets.to(self._device), teaching.temperature)
                for given, targets in zip(
                    answers.split([len(targets) for targets in taught]), taught, strict=True
                )
            )
            loss = (1 - share) * loss + share * distillation
        self._require_finite("loss", loss)
        self.optimizer.zero_grad()
        loss.backward()
        gradients = [parameter.grad for parameter in self._parameters if parameter.grad is not None]
        norm = nn.utils.get_total_norm(gradients)
        self._require_finite("norm of the gradient", norm)
        if training.max_grad_norm is not None:
            nn.utils.clip_grads_with_norm_(self._parameters, training.max_grad_norm, norm)
        self.optimizer.step()
        return loss.detach(), (logits.detach().argmax(1) == labels).sum()

    def _require_finite(self, what: str, value: Tensor) -> None:
        if not bool(value.isfinite()):
            raise PruneError(
                f"the {what} became {float(value.detach())} at learning rate "
                f"{self._training.learning_rate:g}; expected a finite number: lower `learning_rate`"
            )

"""Training of a classifier with stochastic gradient descent, and the run that makes a checkpoint.

A run is a pure function of its settings: batch order, augmentation and dropout of every step are drawn from
the seed and the number of the step alone. A run that was interrupted therefore continues to the same weights,
bit for bit on one machine, as one that was not.
"""

import copy
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from torch import Generator, Tensor, nn

from crisp_sw.choices import Unreadable
from crisp_sw.data import DatasetSplits, augment, balanced_order, load_dataset
from crisp_sw.data.augment import padding_fault
from crisp_sw.data.digest import data_digest
from crisp_sw.errors import TrainingError
from crisp_sw.exchange.checkpoint import CheckpointInfo, save_checkpoint
from crisp_sw.models import build_model
from crisp_sw.models.image_check import require_images
from crisp_sw.modules.mixed_precision import autocast
from crisp_sw.train.evaluation import accuracy, predict_logits
from crisp_sw.train.settings import TrainingSettings
from crisp_sw.train.state import EpochReport, InterruptFlag, TrainingState, load_state, save_state

ORDER_STREAM, AUGMENT_STREAM, DROPOUT_STREAM = 0, 1, 2


@dataclass(frozen=True, kw_only=True)
class TrainingProgress:
    """Where a run is; given to the progress callback after every step.

    Attributes
    ----------
    step, steps : done, and of the whole run.
    loss : of the last batch.
    report : of the epoch that this step ended, if it did.
    """

    step: int
    steps: int
    loss: float
    report: EpochReport | None = None


@dataclass(frozen=True, kw_only=True)
class TrainingResult:
    """Outcome of `train`; ``finished`` is False if the user interrupted it.

    ``skipped`` has a message for each picture that was left out because it could not be read; ``seconds`` is
    the time of steps and evaluations, those before an interrupt included.
    """

    finished: bool
    history: tuple[EpochReport, ...] = ()
    skipped: tuple[str, ...] = ()
    seconds: float = field(default=0.0, compare=False)

    @property
    def accuracy(self) -> float:
        """Top-1 accuracy on the test images after the last whole epoch; 0 before the first."""
        return self.history[-1].accuracy if self.history else 0.0


ProgressCallback = Callable[[TrainingProgress], None]
MessageCallback = Callable[[str], None]


def ignore_message(text: str) -> None:
    """A `MessageCallback` for those who do not want to know."""


@dataclass(frozen=True, kw_only=True, eq=False)
class TrainedNetwork(TrainingResult):
    """Outcome of `run_training`: also the network, on the CPU, and what a checkpoint says of it.

    ``training_images`` and ``test_images`` are the numbers of images.
    """

    network: nn.Module
    info: CheckpointInfo
    training_images: int
    test_images: int


class DivergenceError(TrainingError):
    """A number that became infinite or NaN: no further step can mend the network."""


def train(
    model: nn.Module,
    splits: DatasetSplits,
    settings: TrainingSettings,
    progress: ProgressCallback | None = None,
    *,
    state_file: Path | None = None,
    resume: bool = False,
    name: str | None = None,
    say: MessageCallback = ignore_message,
) -> TrainingResult:
    """Train ``model`` in place, where it is; its accuracy on the test images is taken every epoch.

    Parameters
    ----------
    progress : called after every step.
    state_file : where the run is saved after every epoch and on Ctrl-C; removed when the run is finished.
    resume : continue from ``state_file`` if it exists.
    name : of the model, which a saved state must agree with; by default that of its class.
    say : told what is worth knowing before the first step.

    Raises
    ------
    TrainingError : there are no training images, they do not suit the settings or the network, the saved
        state belongs to another run, or the training diverges; no state of such a run is left, as it would
        diverge again.
    CheckpointError : the saved state is damaged, or of another network.
    """
    trainer = _Trainer(model, splits, settings, name or type(model).__name__)
    trainer.require_trainable()
    if trainer.epoch_images < settings.batch:
        say(
            f"{trainer.epoch_images} training images are fewer than one batch of {settings.batch}: every "
            "step trains on all of them"
        )
    if resume and state_file is not None and state_file.exists():
        trainer.load(state_file)
    try:
        with InterruptFlag() as interrupt:
            while trainer.state.step < trainer.steps and not interrupt.raised:
                report = trainer.advance()
                if progress is not None:
                    progress(trainer.progress(report))
                if state_file is not None and (report is not None or interrupt.raised):
                    trainer.save(state_file)
    except DivergenceError:
        if state_file is not None:
            state_file.unlink(missing_ok=True)
        raise
    finished = trainer.state.step == trainer.steps
    if finished and state_file is not None:
        state_file.unlink(missing_ok=True)
    model.eval()
    return TrainingResult(
        finished=finished,
        history=trainer.state.history,
        skipped=splits.skipped,
        seconds=trainer.state.seconds,
    )


def run_training(
    *,
    model: str,
    data: str,
    output: Path | None,
    settings: TrainingSettings,
    cache: Path | None = None,
    image_size: int | None = None,
    unreadable: Unreadable = "refuse",
    device: str | torch.device = "cpu",
    resume: bool = False,
    compact: bool = False,
    progress: ProgressCallback | None = None,
    command: str = "",
    state_file: Path | None = None,
    say: MessageCallback = ignore_message,
) -> TrainedNetwork:
    """Load the data set, train the named model from scratch and write a checkpoint.

    Parameters
    ----------
    model, data : names for `build_model` and `load_dataset`.
    output : the checkpoint; None writes none.
    unreadable : of `load_dataset`.
    device : that the network is trained on.
    resume : continue an interrupted run with the same settings.
    compact : write half the size, see `save_checkpoint`; the accuracy in it is that before rounding.
    command : recorded in the checkpoint.
    state_file : where a run under way is kept; by default beside the checkpoint, as ``<output>.state``.
    say : of `train`.

    Returns
    -------
    The network; if it is not finished, no checkpoint was written.

    Raises
    ------
    CrispError : a name is unknown, the data are damaged or too small for the network, the state belongs to
        another run, or the training diverges. Nothing is written.
    """
    splits = load_dataset(data, cache=cache, image_size=image_size, unreadable=unreadable)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        network = build_model(model, in_channels=splits.channels, num_classes=len(splits.classes))
    require_images(network, model, channels=splits.channels, size=splits.image_size)
    if state_file is None and output is not None:
        state_file = output.with_name(output.name + ".state")
    result = train(
        network.to(device),
        splits,
        settings,
        progress,
        state_file=state_file,
        resume=resume,
        name=model.lower().replace("_", "-"),
        say=say,
    )
    info = CheckpointInfo(
        model=model,
        in_channels=splits.channels,
        num_classes=len(splits.classes),
        classes=splits.classes,
        image_size=splits.image_size,
        mean=splits.mean,
        std=splits.std,
        dataset=splits.name,
        accuracy=result.accuracy,
        settings=asdict(settings),
        command=command,
        history=tuple(asdict(report) for report in result.history),
        class_ids=splits.ids,
        data_source=splits.source,
    )
    network.cpu()
    if result.finished and output is not None:
        save_checkpoint(output, network, info, compact=compact)
    return TrainedNetwork(
        **vars(result),
        network=network,
        info=info,
        training_images=len(splits.train),
        test_images=len(splits.test),
    )


class _Trainer:
    """One run: model, optimizer and position, advanced step by step."""

    def __init__(self, model: nn.Module, splits: DatasetSplits, settings: TrainingSettings, name: str):
        self.name = name
        self.model = model.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
        self.splits = splits
        self.settings = settings
        if not len(splits.train):
            raise TrainingError(f"no training images in {splits.name}; expected at least 1")
        # A last, smaller batch is left out; the order changes every epoch, so no image is lost for good.
        self.epoch_images = len(self._epoch_order(0))
        self.epoch_steps = max(1, self.epoch_images // settings.batch)
        self.steps = self.epoch_steps * settings.epochs
        self.state = TrainingState()
        self.loss = nn.CrossEntropyLoss(label_smoothing=settings.label_smoothing)
        self.device = next(model.parameters()).device
        self.optimizer = torch.optim.SGD(
            model.parameters(),
            lr=settings.learning_rate,
            momentum=settings.momentum,
            weight_decay=settings.weight_decay,
            nesterov=settings.momentum > 0,
        )
        self._order = torch.empty(0, dtype=torch.int64)
        self._order_epoch = -1
        self._last_loss = 0.0

    @cached_property
    def identity(self) -> dict[str, object]:
        """What a saved state must agree with."""
        return {
            "model": self.name,
            "dataset": self.splits.name,
            "image_size": list(self.splits.image_size),
            "images": len(self.splits.train),
            **asdict(self.settings),
            "data": data_digest(self.splits),
        }

    def require_trainable(self) -> None:
        """Raise TrainingError for crops outside of the images, and a batch of one that BatchNorm refuses."""
        fault = padding_fault(self.splits.train.images, self.settings.crop_padding)
        if fault is not None:
            raise TrainingError(fault)
        if min(self.settings.batch, self.epoch_images) > 1:
            return
        image = self.splits.normalization(self.splits.train.images[:1]).to(self.device)
        try:
            with torch.random.fork_rng(devices=[self.device] if self.device.type == "cuda" else []):
                copy.deepcopy(self.model).train()(image)
        except ValueError as error:
            raise TrainingError(
                f"{self.name} cannot train on a batch of 1 image ({error}); expected a `batch` of at least 2"
            ) from error

    def save(self, path: Path) -> None:
        save_state(path, self.state, self.model, self.optimizer, self.identity)

    def load(self, path: Path) -> None:
        self.state = load_state(path, self.model, self.optimizer, self.identity)
        if not 0 <= self.state.step <= self.steps:
            raise TrainingError(f"{path} has done {self.state.step} steps; expected 0 to {self.steps}")

    def progress(self, report: EpochReport | None) -> TrainingProgress:
        return TrainingProgress(step=self.state.step, steps=self.steps, loss=self._last_loss, report=report)

    def advance(self) -> EpochReport | None:
        """Do one step; at the end of an epoch evaluate and report it."""
        started = time.perf_counter()
        try:
            return self._advance()
        finally:
            self.state.seconds += time.perf_counter() - started

    def _advance(self) -> EpochReport | None:
        images, labels = self._batch()
        self._last_loss = self._descend(images.to(self.device), labels.to(self.device))
        self.state.step += 1
        self.state.loss_sum += self._last_loss
        if self.state.step % self.epoch_steps:
            return None
        test = self.splits.test
        logits = predict_logits(self.model, test.images, self.splits.normalization)
        self._require_finite("output for a test image", logits)
        report = EpochReport(
            epoch=self.state.step // self.epoch_steps,
            loss=self.state.loss_sum / self.epoch_steps,
            accuracy=accuracy(logits, test.labels),
        )
        self.state.history += (report,)
        self.state.loss_sum = 0.0
        return report

    def _batch(self) -> tuple[Tensor, Tensor]:
        epoch, position = divmod(self.state.step, self.epoch_steps)
        if epoch != self._order_epoch:
            self._order = self._epoch_order(epoch)
            self._order_epoch = epoch
        chosen = self._order[position * self.settings.batch : (position + 1) * self.settings.batch]
        images = augment(
            self.splits.train.images[chosen],
            _generator(self.settings.seed, AUGMENT_STREAM, self.state.step),
            padding=self.settings.crop_padding,
            border=self.settings.crop_border,
            flip=self.settings.flip,
        )
        return self.splits.normalization(images), self.splits.train.labels[chosen]

    def _epoch_order(self, epoch: int) -> Tensor:
        generator = _generator(self.settings.seed, ORDER_STREAM, epoch)
        if self.settings.balanced:
            return balanced_order(self.splits.train.labels, generator)
        return torch.randperm(len(self.splits.train), generator=generator)

    def _descend(self, images: Tensor, labels: Tensor) -> float:
        for group in self.optimizer.param_groups:
            group["lr"] = self.settings.learning_rate_at(self.state.step / self.steps)
        self.model.train()
        with (
            torch.random.fork_rng(devices=[self.device] if self.device.type == "cuda" else []),
            autocast(self.device, self.settings.precision),
        ):
            torch.manual_seed(_mixed(self.settings.seed, DROPOUT_STREAM, self.state.step))
            logits = self.model(images)
        loss = self.loss(logits.float(), labels)
        self._require_finite("loss", loss)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss.item()

    def _require_finite(self, what: str, values: Tensor) -> None:
        if not bool(values.isfinite().all()):
            raise DivergenceError(
                f"training diverged: after {self.state.step} of {self.steps} steps the {what} is NaN or "
                f"infinite; expected a learning rate below {self.settings.learning_rate:g}"
            )


def _generator(seed: int, stream: int, number: int) -> Generator:
    """A random generator of its own for each (seed, stream, number)."""
    return Generator().manual_seed(_mixed(seed, stream, number))


def _mixed(seed: int, stream: int, number: int) -> int:
    """A seed of its own for each (seed, stream, number); torch's generators take 32 bits only."""
    return int(np.random.SeedSequence((seed, stream, number)).generate_state(1)[0])

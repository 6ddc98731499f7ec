"""The main job end to end: prune for the user's classes, quantize, run every layer on the RTL, report.

Everything is written below one directory. The pruned model is kept there with a key of its settings, and
used again when nothing that it depends on has changed.
"""

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import save as serialise

from crisp_files.atomic_files import write_bytes
from crisp_files.documents import document_json, write_document
from crisp_golden.arithmetic.inference import quantize_input, run_network
from crisp_golden.arithmetic.network import QuantizedNetwork
from crisp_spec.config import NamedConfig, named_preset
from crisp_sw.data.digest import data_digest
from crisp_sw.exchange.checkpoint import find_checkpoint
from crisp_sw.exchange.model_files import is_pruned_model
from crisp_sw.exchange.packed import save_network
from crisp_sw.exchange.pruned_model import PrunedModel, load_pruned, save_pruned
from crisp_sw.flows.inputs import ClassTask, load_task
from crisp_sw.flows.steps import (
    PruneBudget,
    StepCallback,
    int8_accuracy,
    normalised,
    prune_task,
    pruned_step,
    quantize_pruned,
)
from crisp_sw.prune import CrispPruning, PruneSettings
from crisp_sw.report import SampleImage, render_page
from crisp_sw.report.times import CLOCK_MHZ
from crisp_sw.results.accuracies import Accuracies
from crisp_sw.results.core_run import CoreRun
from crisp_sw.results.demo_report import DemoReport, ImageScores
from crisp_sw.train.evaluation import evaluate

# Raise it when a change of the code makes pruned models of before different.
CACHE_VERSION = 2

RunOnRtl = Callable[[Path, Path, Path], CoreRun]
"""Takes a packed network, its inputs and a file for the result, which it writes and returns."""


@dataclass(frozen=True, kw_only=True)
class DemoSettings:
    """What the demo does.

    Attributes
    ----------
    checkpoint : file, or name of a shipped one.
    data : name or path of a data set; None for the one of the checkpoint.
    core : that the network runs on.
    clock_mhz : at which cycles are stated as times, too.
    fresh : prune again even if a pruned model of the same settings is there.
    """

    classes: str = "sneaker,bag,coat"
    core: NamedConfig = field(default_factory=lambda: named_preset("edge"))
    checkpoint: str = "small_resnet_fashion_mnist"
    data: str | None = None
    seed: int = 0
    clock_mhz: float = CLOCK_MHZ
    fresh: bool = False
    prune: PruneSettings = field(default_factory=CrispPruning)
    budget: PruneBudget = field(default_factory=PruneBudget)


@dataclass(frozen=True)
class DemoFiles:
    """Where the demo's results are."""

    out: Path

    @property
    def pruned(self) -> Path:
        """Directory of the pruned model."""
        return self.out / "pruned"

    @property
    def network(self) -> Path:
        """Directory of the packed network."""
        return self.out / "network"

    @property
    def inputs(self) -> Path:
        """The int8 images that go through the RTL."""
        return self.out / "inputs.safetensors"

    @property
    def rtl(self) -> Path:
        """What the RTL bench measured."""
        return self.out / "rtl.json"

    @property
    def report(self) -> Path:
        """All figures."""
        return self.out / "report.json"

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """Of all of them."""
        here = cls(Path())
        files = (here.report, here.page, here.pruned, here.network, here.inputs, here.rtl)
        return tuple(path.name for path in files)

    @property
    def page(self) -> Path:
        """All figures, to be looked at."""
        return self.out / "report.html"


def run_demo(
    settings: DemoSettings,
    out: Path,
    run_on_rtl: RunOnRtl,
    *,
    say: Callable[[str], None],
    on_progress: StepCallback,
    try_simulator: Callable[[], None] = lambda: None,
    command: str = "crisp demo",
) -> DemoReport:
    """Run the demo.

    Parameters
    ----------
    out : directory of the results; made if absent.
    run_on_rtl : runs every layer on the RTL of the core, see `RunOnRtl`.
    say : prints a line for people.
    try_simulator : called before anything takes long; raises if the RTL cannot be simulated here.

    Returns
    -------
    The report, as written to ``report.json``; `rtl_failures` of its layers says what failed.

    Raises
    ------
    CrispError : an input is not usable, or the RTL gave no result.
    """
    files, seconds = DemoFiles(out), _Stopwatch()
    task = load_task(settings.checkpoint, settings.classes, settings.data)
    say(f"classes {', '.join(task.names)} of {task.splits.name}, network {task.info.model}")
    say("trying the simulator of the RTL")
    try_simulator()
    seconds.lap("try the simulator")
    say("measuring the network on all classes")
    all_classes = evaluate(task.model, task.splits.test, task.info.normalization)
    seconds.lap("load and evaluate")
    pruned = _pruned(task, settings, files, say, on_progress)
    seconds.lap("prune and fine-tune")
    say("quantizing and packing the network")
    network = quantize_pruned(pruned, task.splits, seed=settings.seed)
    int8 = int8_accuracy(network, task.test_images(), task.info.normalization, on_progress)
    step = pruned_step(pruned)
    accuracy = replace(step.accuracy, all_classes=all_classes, int8=int8)
    _export(task, network, accuracy, files)
    samples = _write_inputs(task, network, files.inputs)
    seconds.lap("quantize and pack")
    say(f"running every layer on the RTL, preset {settings.core}")
    files.rtl.unlink(missing_ok=True)
    measured = run_on_rtl(files.network, files.inputs, files.rtl)
    seconds.lap("RTL simulation")
    report = DemoReport(
        dataset=task.splits.name,
        classes=task.names,
        model=task.info.model,
        seed=settings.seed,
        preset=settings.core.name,
        clock_mhz=settings.clock_mhz,
        accuracy=accuracy,
        test_images=len(task.test_images()),
        sparsity=step.sparsity,
        model_sparsity=step.model_sparsity,
        layers=measured.layers,
        images=tuple(map(_scores, samples)),
        steps={name: f"{value:.1f} s" for name, value in seconds.laps.items()},
        prune_settings=step.settings,
        samples_per_class=step.samples_per_class,
        versions={"torch": str(torch.__version__), "numpy": np.__version__},
        command=command,
    )
    write_document(files.report, report)
    write_bytes(files.page, render_page(report, network, samples).encode())
    return report


def _pruned(
    task: ClassTask,
    settings: DemoSettings,
    files: DemoFiles,
    say: Callable[[str], None],
    progress: StepCallback,
) -> PrunedModel:
    prune_settings = settings.prune.with_values(seed=settings.seed)
    key = _cache_key(task, settings, prune_settings)
    if not settings.fresh and is_pruned_model(files.pruned):
        before = load_pruned(files.pruned)
        if before.figures.get("key") == key:
            say(f"using the pruned model in {files.pruned} (same settings; --fresh prunes again)")
            return before
    pruned = prune_task(task, prune_settings, settings.budget, progress)
    pruned = replace(pruned, figures=document_json(replace(pruned_step(pruned), key=key)))
    save_pruned(files.pruned, pruned)
    return pruned


def _cache_key(task: ClassTask, settings: DemoSettings, prune_settings: PruneSettings) -> str:
    """SHA-256 of everything that the pruned model depends on."""
    content = {
        "version": CACHE_VERSION,
        "torch": torch.__version__,
        "checkpoint": hashlib.sha256(find_checkpoint(settings.checkpoint).read_bytes()).hexdigest(),
        "data": data_digest(task.splits),
        "classes": task.classes,
        "prune": prune_settings.to_json(),
        "budget": asdict(settings.budget),
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _export(task: ClassTask, network: QuantizedNetwork, accuracy: Accuracies, files: DemoFiles) -> None:
    metadata = {
        "dataset": task.splits.name,
        "data_source": task.splits.source,
        "model": task.info.model,
        "mean": list(task.info.mean),
        "std": list(task.info.std),
        "accuracy": accuracy.measured(),
    }
    save_network(network, files.network, metadata)


def _write_inputs(task: ClassTask, network: QuantizedNetwork, path: Path) -> list[SampleImage]:
    """Write the first test image of each class as int8, and say what golden sees in it."""
    images = task.test_images()
    chosen = [int((images.labels == label).nonzero()[0]) for label in range(len(task.classes))]
    x = quantize_input(network, normalised(images.images[chosen], task.info.normalization))
    write_bytes(path, serialise({"images": x, "labels": images.labels[chosen].numpy()}))
    scores = next(iter(run_network(network, x, keep_all=False).values())).reshape(len(x), -1)
    return [
        SampleImage(
            pixels=images.images[index].numpy(),
            label=task.names[int(images.labels[index])],
            prediction=task.names[int(row.argmax())],
            scores={name: int(score) for name, score in zip(task.names, row, strict=True)},
        )
        for index, row in zip(chosen, scores, strict=True)
    ]


def _scores(sample: SampleImage) -> ImageScores:
    return ImageScores(label=sample.label, prediction=sample.prediction, scores=sample.scores)


class _Stopwatch:
    """Seconds between laps."""

    def __init__(self):
        self.laps: dict[str, float] = {}
        self._started = time.perf_counter()

    def lap(self, name: str) -> None:
        now = time.perf_counter()
        self.laps[name] = now - self._started
        self._started = now

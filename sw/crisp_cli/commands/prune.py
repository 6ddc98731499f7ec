"""``crisp prune``: prune a network for the classes of one user."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from crisp_cli.options import (
    DEFAULT_CHECKPOINT,
    AsJson,
    Checkpoint,
    Classes,
    Data,
    Device,
    ImageSize,
    ModelName,
    Normalize,
    Output,
    SkipUnreadable,
    Weights,
    command_line,
    foreign_weights,
    say_skipped,
    say_where_it_starts,
    source_of,
)
from crisp_cli.statuses import INTERRUPTED
from crisp_cli.terminal import emit, messages, say_next, show_figures, step_display
from crisp_sw.choices import listed
from crisp_sw.flows.steps import PruneBudget
from crisp_sw.flows.steps.prune_settings import prune_settings
from crisp_sw.prune import CrispPruning, MaskedPruning, PruneError, PruneSettings, prune_methods
from crisp_sw.report.step_summaries import accuracy_figures, pruning_summary

if TYPE_CHECKING:
    from crisp_sw.flows.inputs import ClassTask
    from crisp_sw.results.steps import PruneStep

_DEFAULTS, _BUDGET = CrispPruning().to_json(), PruneBudget()
_SALIENCIES = CrispPruning.choices("saliency")
_METHODS = [name for name, kind in prune_methods().items() if kind.keeps_sizes]


def _option(name: str, text: str, *flags: str) -> Any:
    """An option that is None unless it is given, so that a settings file can have its say."""
    return typer.Option(*flags, help=text, show_default=str(_DEFAULTS[name]))


def prune(
    classes: Classes,
    checkpoint: Checkpoint = None,
    data: Data = None,
    out: Output = Path("build/pruned"),
    settings: Annotated[
        Path | None,
        typer.Option(help="TOML or JSON with any of the pruner's settings, or an older prune.json."),
    ] = None,
    method: Annotated[str | None, _option("method", f"{listed(_METHODS)}.")] = None,
    sparsity: Annotated[
        float | None, _option("sparsity", "Share of the weights to remove.", "--sparsity", "-s")
    ] = None,
    n: Annotated[int | None, _option("n", "Non-zeros kept in every group of M weights.", "--n")] = None,
    m: Annotated[int | None, _option("m", "Group size M.", "--m")] = None,
    block: Annotated[int | None, _option("block", "Edge of the square blocks.")] = None,
    saliency: Annotated[str | None, _option("saliency", f"{listed(_SALIENCIES)}.")] = None,
    iterations: Annotated[int | None, _option("iterations", "Pruning steps.")] = None,
    final_epochs: Annotated[
        int | None, _option("final_epochs", "Fine-tuning with the final pattern.")
    ] = None,
    batch: Annotated[int | None, _option("batch_size", "Images that a step of training sees.")] = None,
    samples: Annotated[int, typer.Option(help="Training images per class.")] = _BUDGET.samples_per_class,
    compare_dense: Annotated[
        bool, typer.Option(help="Fine-tune the dense network too, as the comparison.")
    ] = _BUDGET.compare_dense,
    teacher: Annotated[
        str, typer.Option(help="Network to distil from: original, or the fine-tuned dense one.")
    ] = _BUDGET.teacher,
    weights: Weights = None,
    model: ModelName = None,
    image_size: ImageSize = None,
    normalize: Normalize = None,
    unreadable: SkipUnreadable = "refuse",
    device: Device = "cpu",
    seed: Annotated[int | None, _option("seed", "Where all random numbers start.")] = None,
    resume: Annotated[bool, typer.Option(help="Continue an interrupted run.")] = False,
    as_json: AsJson = False,
) -> None:
    """Prune a network for a few classes, to blocks with N:M sparsity inside.

    Writes the pruned model, its masks and patterns, every figure and a summary into one directory, for
    `crisp quantize`. A single class gets a second output "other", for all other classes. Ctrl-C loses at most
    an epoch; --resume continues. All settings of the pruner can be given in a file; options win over it:

    `sparsity = 0.95`, `gradient = "sr-ste"`, `rules = [{ name = "layer1.*", n = 2 }]`, ...

    Examples:

    - `crisp prune --classes sneaker,bag,coat`
    - `crisp prune model.safetensors --classes 0,3 --sparsity 0.95 --n 1 --out build/tiny`
    - `crisp prune --classes 1,2 --settings pruning.toml`
    - `crisp prune --weights resnet50.pth --model resnet50 --data path/to/imagenet --classes "school bus"`
    """
    given = {"method": method, "sparsity": sparsity, "n": n, "m": m, "block": block, "saliency": saliency}
    given |= {"iterations": iterations, "final_epochs": final_epochs, "batch_size": batch, "seed": seed}
    chosen = prune_settings(settings, given)
    if not chosen.keeps_sizes:
        raise PruneError(
            f"method {chosen.method!r} makes a network of other sizes, which no checkpoint can name; "
            "it is a baseline of `crisp accuracy` and of crisp_sw.prune.prune_for_classes: expected another "
            "method"
        )
    if teacher != _BUDGET.teacher and not chosen.training.teaching.distillation:
        raise PruneError(f"--teacher {teacher} has no effect: `distillation` is 0, so nobody is taught")
    budget = PruneBudget(
        samples_per_class=samples,
        compare_dense=compare_dense,
        teacher=teacher,  # pyright: ignore[reportArgumentType]
    )
    from crisp_files.documents import document_json
    from crisp_sw.exchange.pruned_model import require_pruned_or_free, save_pruned
    from crisp_sw.flows.inputs import load_task
    from crisp_sw.flows.inputs.devices import find_device
    from crisp_sw.flows.steps import prune_task, pruned_step

    foreign = foreign_weights(weights, model, image_size, normalize, path=checkpoint)
    checkpoint = checkpoint or DEFAULT_CHECKPOINT
    require_pruned_or_free(out)
    used = find_device(device)
    task = load_task(checkpoint, classes, data, foreign=foreign, unreadable=unreadable)
    say_skipped(task.splits.skipped)
    _say_small_classes(task, samples)
    task.model.to(used)
    state_dir = out.with_name(f"{out.name}.state")
    say_where_it_starts(state_dir, resume)
    _say_target_of_fine_sparsity(chosen)
    try:
        with step_display() as progress:
            pruned = prune_task(task, chosen, budget, progress, state_dir=state_dir, resume=resume)
    except KeyboardInterrupt:
        messages.print("interrupted; the same command with --resume continues")
        raise typer.Exit(INTERRUPTED) from None
    channels = task.splits.channels
    source = source_of(checkpoint, data, foreign, channels=channels, unreadable=unreadable, device=device)
    figures = replace(pruned_step(pruned), command=command_line(), source=source, skipped=task.splits.skipped)
    save_pruned(out, replace(pruned, figures=document_json(figures)), summary=pruning_summary(figures))
    emit(replace(figures, out=str(out)), as_json, lambda: _show(out, figures))


def _say_small_classes(task: "ClassTask", samples: int) -> None:
    for name, count in zip(task.names, task.training_counts(), strict=True):
        if count < samples:
            text = f"{name}: {count} training images, fewer than {samples}; repeated where a class has more"
            messages.print(text)


def _say_target_of_fine_sparsity(settings: PruneSettings) -> None:
    if not isinstance(settings, MaskedPruning):
        return
    fine = 1 - settings.fine_density
    if fine > settings.sparsity:
        messages.print(
            f"{settings.most_of_group}:{settings.m} alone prunes {fine:.1%}, more than `sparsity` "
            f"{settings.sparsity:g}: no block will go",
        )


def _show(out: Path, figures: "PruneStep") -> None:
    show_figures(
        f"Wrote {out}: {', '.join(figures.classes)}",
        {
            "sparsity": f"{figures.sparsity:.2%} of the prunable weights",
            **accuracy_figures(figures.accuracy),
        },
    )
    unreadable = figures.source.unreadable if figures.source else "refuse"
    say_next("quantize", out, *(("--unreadable", unreadable) if unreadable != "refuse" else ()))

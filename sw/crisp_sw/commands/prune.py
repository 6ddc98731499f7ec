"""``crisp prune``: prune a network for the classes of one user."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from crisp_sw.commands.options import DEFAULT_CHECKPOINT, AsJson, Checkpoint, Classes, Data, Output, Seed
from crisp_sw.commands.terminal import accuracy_figures, emit, results, show_figures, step_display
from crisp_sw.export.pruned import save_pruned
from crisp_sw.prune import PruneSettings
from crisp_sw.steps import PruneBudget, load_task, prune_task

_DEFAULTS, _BUDGET = PruneSettings(), PruneBudget()


def prune(
    classes: Classes,
    checkpoint: Checkpoint = DEFAULT_CHECKPOINT,
    data: Data = None,
    out: Output = Path("build/pruned"),
    sparsity: Annotated[
        float, typer.Option("--sparsity", "-s", help="Share of the weights to remove.")
    ] = _DEFAULTS.sparsity,
    n: Annotated[int, typer.Option("--n", help="Non-zeros kept in every group of M weights.")] = _DEFAULTS.n,
    m: Annotated[int, typer.Option("--m", help="Group size M.")] = _DEFAULTS.m,
    block: Annotated[int, typer.Option(help="Edge of the square blocks.")] = _DEFAULTS.block,
    iterations: Annotated[int, typer.Option(help="Pruning steps.")] = _DEFAULTS.iterations,
    final_epochs: Annotated[
        int, typer.Option(help="Fine-tuning with the final pattern.")
    ] = _DEFAULTS.final_epochs,
    samples: Annotated[int, typer.Option(help="Training images per class.")] = _BUDGET.samples_per_class,
    compare_dense: Annotated[
        bool, typer.Option(help="Fine-tune the dense network too, as the comparison.")
    ] = _BUDGET.compare_dense,
    seed: Seed = _DEFAULTS.seed,
    as_json: AsJson = False,
) -> None:
    """Prune a network for a few classes, to blocks with N:M sparsity inside.

    Writes the pruned model, its patterns and every figure into one directory, for `crisp quantize`.

    Examples:

    - `crisp prune --classes sneaker,bag,coat`
    - `crisp prune model.safetensors --classes 0,3 --sparsity 0.95 --n 1 --out build/tiny`
    """
    settings = replace(
        _DEFAULTS,
        sparsity=sparsity,
        n=n,
        m=m,
        block=block,
        iterations=iterations,
        final_epochs=final_epochs,
        seed=seed,
    )
    budget = PruneBudget(samples_per_class=samples, compare_dense=compare_dense)
    task = load_task(checkpoint, classes, data)
    with step_display() as progress:
        pruned = prune_task(task, settings, budget, progress)
    save_pruned(out, pruned)
    emit({"out": str(out), **pruned.figures}, as_json, lambda: _show(out, dict(pruned.figures)))


def _show(out: Path, figures: dict[str, Any]) -> None:
    show_figures(
        f"Wrote {out}: {', '.join(figures['classes'])}",
        {
            "sparsity": f"{figures['sparsity']:.2%} of the prunable weights",
            **accuracy_figures(figures["accuracy"]),
        },
    )
    results.print(f"next: crisp quantize {out}")

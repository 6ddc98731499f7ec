"""Progress bar and epoch lines of a training run on the terminal."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from crisp_sw.training import ProgressCallback, TrainingProgress


@contextmanager
def training_display(console: Console) -> Iterator[ProgressCallback]:
    """Show a bar over all steps, and one line for each finished epoch.

    Yields
    ------
    The callback to give to `train` or `run_training`.
    """
    columns = (
        TextColumn("training"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("loss {task.fields[loss]:.3f}"),
        TimeRemainingColumn(),
    )
    bar = Progress(*columns, console=console, transient=True)
    task = bar.add_task("training", total=None, loss=float("nan"))

    def show(progress: TrainingProgress) -> None:
        bar.start()  # with the first step: an error before it is all that there is to see
        bar.update(task, completed=progress.step, total=progress.steps, loss=progress.loss)
        if progress.report is not None:
            report = progress.report
            console.print(
                f"epoch {report.epoch:3d}  loss {report.loss:.4f}  test accuracy {report.accuracy:.2%}",
                highlight=False,
            )

    try:
        yield show
    finally:
        if bar.live.is_started:
            bar.stop()

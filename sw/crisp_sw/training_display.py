"""Progress bar and epoch lines of a training run on the terminal."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from crisp_sw.plain_console import PlainConsole
from crisp_sw.training import ProgressCallback, TrainingProgress


@contextmanager
def training_display(console: PlainConsole) -> Iterator[ProgressCallback]:
    """Show a bar over all steps, and one line for each finished epoch.

    Yields
    ------
    The callback to give to `train` or `run_training`.
    """
    columns = (
        TextColumn("training", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("loss {task.fields[loss]:.3f}", markup=False),
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
                f"epoch {report.epoch:3d}  loss {report.loss:.4f}  test accuracy {report.accuracy:.2%}"
            )

    try:
        yield show
    finally:
        if bar.live.is_started:
            bar.stop()

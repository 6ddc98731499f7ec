"""Progress bar and epoch lines of a training run on the terminal."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from crisp_cli.plain_console import PlainConsole
from crisp_cli.progress_lines import ProgressLines
from crisp_sw.train.training import ProgressCallback, TrainingProgress


@contextmanager
def training_display(console: PlainConsole) -> Iterator[ProgressCallback]:
    """Show a bar over all steps, or lines where there is no terminal, and one line for each finished epoch.

    Yields
    ------
    The callback to give to `train` or `run_training`.
    """
    if console.is_terminal:
        with _bar(console) as show_step:
            yield _with_epochs(show_step, console)
    else:
        lines = ProgressLines(console.print)
        yield _with_epochs(
            lambda step: lines("training", step.step, step.steps, f"loss {step.loss:.3f}"), console
        )


def _with_epochs(show_step: ProgressCallback, console: PlainConsole) -> ProgressCallback:
    def show(progress: TrainingProgress) -> None:
        show_step(progress)
        if progress.report is not None:
            report = progress.report
            console.print(
                f"epoch {report.epoch:3d}  loss {report.loss:.4f}  test accuracy {report.accuracy:.2%}"
            )

    return show


@contextmanager
def _bar(console: PlainConsole) -> Iterator[ProgressCallback]:
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
        bar.update(task, completed=progress.step, total=progress.steps, loss=progress.loss)
        bar.start()  # with the first step: an error before it is all that there is to see

    try:
        yield show
    finally:
        if bar.live.is_started:
            bar.stop()

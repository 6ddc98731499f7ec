"""The whole experiment: universal networks, the cells of a grid, and what is written about them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from crisp_spec.config import NamedConfig, named_preset
from crisp_sw.data import load_dataset
from crisp_sw.data.digest import data_digest
from crisp_sw.data.registry import DATASETS
from crisp_sw.exchange.checkpoint import load_checkpoint
from crisp_sw.flows.experiment.cells.cell import ExperimentError
from crisp_sw.flows.experiment.cells.cell_result import CellResult
from crisp_sw.flows.experiment.cells.cell_run import CellTask
from crisp_sw.flows.experiment.cells.grid import Grid, network_name
from crisp_sw.flows.experiment.cells.recipe import find_recipe
from crisp_sw.flows.experiment.cells.user import choose_classes, load_user
from crisp_sw.flows.experiment.dask_workers import Workers, require_workers
from crisp_sw.flows.experiment.plots.plot_files import write_plots
from crisp_sw.flows.experiment.results.cell_store import ResultStore
from crisp_sw.flows.experiment.results.cell_table import table_rows, write_csv
from crisp_sw.flows.experiment.results.results_page import write_page
from crisp_sw.flows.experiment.sweep import ResultCallback, Sweep, run_sweep
from crisp_sw.flows.experiment.universal import find_universal, train_universal
from crisp_sw.optional_packages import require_packages
from crisp_sw.prune.methods.channels import load_torch_pruning
from crisp_sw.train.training import ProgressCallback


@dataclass(frozen=True, kw_only=True)
class ExperimentSettings:
    """What to run and where to write.

    Attributes
    ----------
    data : path of an image folder, or name of a data set; workers read it under the same path.
    out : folder of checkpoints, results, tables and plots.
    name : of the tables' files.
    core : whose cycles are predicted.
    compute : False writes tables and plots of the results that are there, and runs nothing.
    fresh : train universal networks here, even if they come with the package.
    precision : of the convolutions in training, "float32" or "bfloat16". Accuracies differ by what the
        training's randomness makes anyway; results of both are kept apart.
    """

    data: str
    grid: Grid
    out: Path
    name: str = "headline"
    core: NamedConfig = field(default_factory=lambda: named_preset("edge"))
    compute: bool = True
    fresh: bool = False
    precision: str = "float32"
    workers: Workers = field(default_factory=Workers)
    command: str = ""


@dataclass(frozen=True, kw_only=True)
class ExperimentFiles:
    """Where the results are."""

    out: Path

    @property
    def checkpoints(self) -> Path:
        """Universal networks."""
        return self.out / "universal"

    def table(self, name: str) -> Path:
        """CSV with a row per cell."""
        return self.out / f"{name}.csv"

    def page(self, name: str) -> Path:
        """The same for people, as Markdown, with means over the seeds."""
        return self.out / f"{name}.md"

    def plots(self, name: str) -> Path:
        """Folder of PNG and SVG."""
        return self.out / "plots" / name


def run_experiment(
    settings: ExperimentSettings,
    *,
    on_training: ProgressCallback | None = None,
    on_result: ResultCallback = lambda done, total, cell, result: None,
    say: Callable[[str], None] = lambda text: None,
) -> Sweep:
    """Train or load the universal networks, run every cell that has no result yet, write tables and plots.

    Tables are written anew whenever a cell is done, the plots at the end, even if cells failed; those are
    in the returned ``failures``.

    Raises
    ------
    CrispError : data, checkpoints or settings cannot be used, a package is missing, or the cluster cannot be
        reached.
    """
    _require_tools(settings, say)
    files = ExperimentFiles(out=settings.out)
    tasks = _tasks(settings, files, on_training, say)
    say(f"{len(tasks)} cells in {settings.precision}; the table is {files.page(settings.name)}")

    def write_tables(results: list[CellResult]) -> None:
        rows = table_rows(results)
        write_csv(files.table(settings.name), rows)
        write_page(files.page(settings.name), f"Accuracy: {settings.name}", rows)

    sweep = run_sweep(
        tasks,
        ResultStore(settings.out),
        settings.workers,
        compute=settings.compute,
        on_result=on_result,
        on_results=write_tables,
        say=say,
    )
    for file in write_plots(table_rows(sweep.results), files.plots(settings.name)):
        say(f"wrote {file}")
    return sweep


def _require_tools(settings: ExperimentSettings, say: Callable[[str], None]) -> None:
    """Try all that the experiment will need, before the hours that come before it does."""
    require_packages("matplotlib", purpose="drawing the plots", extra="sweep")
    if settings.compute:
        if "channel" in settings.grid.methods:
            load_torch_pruning()
        require_workers(settings.workers, say)


def _tasks(
    settings: ExperimentSettings,
    files: ExperimentFiles,
    on_training: ProgressCallback | None,
    say: Callable[[str], None],
) -> list[CellTask]:
    """All cells of the grid, after whatever would stop them is found."""
    grid, data = settings.grid, _anywhere(settings.data)
    splits, largest = load_dataset(data), max(grid.classes)
    choose_classes(largest, seed=0, of=len(splits.classes))
    digest = data_digest(splits)
    tasks: list[CellTask] = []
    for network, checkpoint in _checkpoints(settings, files, on_training, say):
        if load_checkpoint(checkpoint)[1].classes != splits.classes:
            raise ExperimentError(
                f"{checkpoint} was trained for other classes than {data} has; expected the same"
            )
        # What every worker does first: the largest user fits, and decoded pictures are in the cache.
        load_user(checkpoint, data, classes=largest, seed=0)
        tasks += [
            CellTask(
                cell=cell,
                recipe=find_recipe(cell.variant).with_settings(precision=settings.precision),
                checkpoint=checkpoint,
                data=data,
                data_digest=digest,
                core=settings.core,
            )
            for cell in grid.cells([network_name(network)])
        ]
    return tasks


def _checkpoints(
    settings: ExperimentSettings,
    files: ExperimentFiles,
    on_training: ProgressCallback | None,
    say: Callable[[str], None],
) -> Iterator[tuple[str, str]]:
    """Every network of the grid with its checkpoint, trained if need be and allowed."""
    data, folder = settings.data, files.checkpoints
    found = {
        name: find_universal(name, data, folder, fresh=settings.fresh) for name in settings.grid.networks
    }
    for name, checkpoint in found.items():
        if checkpoint is None and not settings.compute:
            say(f"{name} is not trained yet, so there are no results of it")
            continue
        if checkpoint is None:
            checkpoint = train_universal(
                name,
                data,
                folder,
                precision=settings.precision,
                progress=on_training,
                command=settings.command,
            )
        yield name, _anywhere(checkpoint)


def _anywhere(source: str) -> str:
    """A path that means the same in the folder of every worker; names of data sets and checkpoints stay."""
    return source if source in DATASETS or not Path(source).exists() else str(Path(source).absolute())

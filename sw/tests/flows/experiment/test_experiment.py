"""The experiment on digits: table, plots and networks are written; the RTL check gets its images."""

import csv
import sys
from dataclasses import replace

import pytest
from safetensors.numpy import load_file

from crisp_spec.config import named_preset
from crisp_spec.errors import CrispError
from crisp_sw.data import load_dataset
from crisp_sw.flows.experiment import dask_workers, experiment
from crisp_sw.flows.experiment.cells.cell import ExperimentError
from crisp_sw.flows.experiment.cells.cell_result import RtlCheck
from crisp_sw.flows.experiment.cells.grid import Grid
from crisp_sw.flows.experiment.cells.recipe import Recipe
from crisp_sw.flows.experiment.cells.rtl_check import check_on_rtl
from crisp_sw.flows.experiment.cells.user import load_user
from crisp_sw.flows.experiment.dask_workers import Workers
from crisp_sw.flows.experiment.experiment import ExperimentSettings, run_experiment
from crisp_sw.flows.experiment.results.cell_store import ResultStore
from crisp_sw.flows.experiment.sweep import Sweep
from crisp_sw.results.core_run import CoreRun
from sw.tests.report.rtl_layers import rtl_layer

RECIPE = Recipe(settings={"iterations": 1, "final_epochs": 0, "batch_size": 64, "learning_rate": 0.01})
GRID = Grid(
    classes=(3,),
    class_seeds=(0,),
    methods=("dense", "crisp"),
    sparsities=(0.85,),
    blocks=(16,),
    ratios=((1, 4),),
)


@pytest.fixture
def settings(digits_checkpoint, tmp_path, monkeypatch):
    monkeypatch.setattr(experiment, "find_recipe", lambda variant: RECIPE)
    return ExperimentSettings(
        data="digits",
        grid=replace(GRID, networks=(str(digits_checkpoint),)),
        out=tmp_path / "out",
        core=named_preset("tiny"),
        workers=Workers(count=1, processes=False),
    )


@pytest.fixture
def no_workers(monkeypatch):
    monkeypatch.setattr(experiment, "run_sweep", None)


def test_experiment_is_written_and_not_run_twice(settings):
    seen = []
    sweep = run_experiment(settings, on_result=lambda done, total, cell, result: seen.append(cell.name))
    assert seen == ["model-c3-s0-dense", "model-c3-s0-crisp-1of4-b16-p85"]
    assert sweep.failures == {}
    table = (settings.out / "headline.csv").read_text().splitlines()
    assert len(table) == 3
    assert "| 0 | CRISP 1:4 |" in (settings.out / "headline.md").read_text()
    assert len(list((settings.out / "plots" / "headline").iterdir())) == 4
    again = run_experiment(replace(settings, name="again"), on_result=lambda *report: seen.append("again"))
    assert len(seen) == 2
    assert [result.accuracy for result in again.results] == [result.accuracy for result in sweep.results]
    _check_rtl(settings, sweep.results[-1])


def test_interrupted_sweep_leaves_a_table_of_what_is_done(settings):
    def interrupt(*report):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_experiment(settings, on_result=interrupt)
    (row,) = csv.DictReader((settings.out / "headline.csv").open())
    assert row["method"] == "dense"


def test_results_of_other_data_of_the_same_name_are_not_taken(settings, monkeypatch):
    settings = replace(settings, grid=replace(settings.grid, methods=("dense",)))
    assert len(run_experiment(settings).results) == 1
    digits = load_dataset("digits")
    other = replace(digits, train=replace(digits.train, images=255 - digits.train.images))
    monkeypatch.setattr(experiment, "load_dataset", lambda data: other)
    assert run_experiment(replace(settings, compute=False)).results == []


def test_results_of_another_precision_are_not_taken(settings, monkeypatch):
    settings = replace(settings, grid=replace(settings.grid, methods=("dense",)))
    (result,) = run_experiment(settings).results
    assert (result.settings or {})["precision"] == "float32"
    settings = replace(settings, precision="bfloat16", compute=False)
    assert run_experiment(settings).results == []
    sent = []
    monkeypatch.setattr(experiment, "run_sweep", lambda tasks, *_, **__: sent.extend(tasks) or Sweep())
    run_experiment(settings)
    assert [task.recipe.prune_settings(task.cell).training.precision for task in sent] == ["bfloat16"]


@pytest.mark.parametrize(
    ("package", "message"),
    [
        ("distributed", r"the sweep needs the package distributed, .*crisp-stc\[sweep\]"),
        ("matplotlib", r"drawing the plots needs the package matplotlib, .*crisp-stc\[sweep\]"),
        ("torch_pruning", r"method 'channel' needs the library Torch-Pruning, .*crisp-stc\[baselines\]"),
    ],
)
def test_missing_package_stops_it_before_a_network_is_trained(settings, monkeypatch, package, message):
    monkeypatch.setattr(experiment, "_tasks", None)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(CrispError, match=message):
        run_experiment(replace(settings, grid=replace(settings.grid, methods=("dense", "channel"))))


def test_cluster_that_does_not_answer_stops_it_before_a_network_is_trained(settings, monkeypatch):
    monkeypatch.setattr(experiment, "_tasks", None)
    monkeypatch.setattr(dask_workers, "CONNECT_SECONDS", 0.5)
    with pytest.raises(ExperimentError, match="no Dask scheduler at"):
        run_experiment(replace(settings, workers=Workers(cluster="tcp://127.0.0.1:9")))


def test_more_classes_than_there_are_stop_it_before_a_worker_starts(settings, no_workers):
    settings = replace(settings, grid=replace(settings.grid, classes=(3, 11)))
    with pytest.raises(ExperimentError, match="`classes` must be from 1 to 10, not 11"):
        run_experiment(settings)


def test_network_of_other_classes_stops_it_before_a_worker_starts(settings, no_workers, monkeypatch):
    splits = replace(load_dataset("digits"), classes=tuple("abcdefghij"))
    monkeypatch.setattr(experiment, "load_dataset", lambda data: splits)
    with pytest.raises(ExperimentError, match="was trained for other classes than digits has"):
        run_experiment(settings)


def test_network_that_is_not_trained_yet_has_no_results_in_the_table(settings, monkeypatch):
    monkeypatch.setattr(experiment, "train_universal", None)
    said = []
    grid = replace(settings.grid, networks=("mobilenet-v2-half-32px",))
    assert run_experiment(replace(settings, grid=grid, compute=False), say=said.append).results == []
    assert said[0] == "mobilenet-v2-half-32px is not trained yet, so there are no results of it"


def _check_rtl(settings, crisp):
    network = ResultStore(settings.out).network(GRID.cells(["model"])[-1].name, crisp.depends_on)
    user = load_user(settings.grid.networks[0], "digits", classes=3, seed=0)

    def run_on_rtl(folder, inputs, result):
        assert folder == network
        assert load_file(inputs)["images"].shape == (7, 1, 8, 8)
        assert result.parent == network.parent
        return CoreRun(preset="tiny", sim="none", layers=tuple(layers))

    layers = [rtl_layer()]
    assert check_on_rtl("a", network, user, 7, run_on_rtl) == RtlCheck(cell="a", images=7, status=0)
    layers[0] = rtl_layer(cycles_rtl=1001)
    assert check_on_rtl("a", network, user, 7, run_on_rtl).status == 1
    with pytest.raises(ExperimentError, match="nowhere: no such network"):
        check_on_rtl("a", network.with_name("nowhere"), user, 7, run_on_rtl)

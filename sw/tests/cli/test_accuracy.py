"""``crisp accuracy``: bad options are one message; results are printed as a table and as JSON."""

import json

import pytest
import torch
from safetensors.numpy import load_file
from typer.testing import Result

from crisp_cli.commands import accuracy as command
from crisp_spec.config import named_preset
from crisp_sw.exchange.packed import load_metadata
from crisp_sw.flows.experiment import experiment
from crisp_sw.flows.experiment.cells.cell import Cell
from crisp_sw.flows.experiment.cells.cell_result import CellResult
from crisp_sw.flows.experiment.sweep import Sweep
from crisp_sw.results.core_run import CoreRun
from sw.tests.cli.runner import crisp
from sw.tests.flows.experiment.test_experiment import RECIPE
from sw.tests.report.rtl_layers import rtl_layer

CELL = Cell(network="net", classes=10, class_seed=0, method="crisp", n=1, m=4, block=16, sparsity=0.92)
DENSE = Cell(network="net", classes=10, class_seed=0, method="dense")


def accuracy(*arguments: object, columns: int = 200) -> Result:
    return crisp("accuracy", *arguments, columns=columns)


@pytest.fixture
def settings(monkeypatch):
    """Replace the experiment by two results; gives its settings, and a list that makes it fail if filled."""
    called, failing = [], []

    def fake(settings, **callbacks):
        called.append(settings)
        results = [
            CellResult(cell=DENSE, accuracy=0.8, cycles=2000, sparsity=0.0),
            CellResult(cell=CELL, accuracy=0.79, cycles=100, sparsity=0.92),
        ]
        return Sweep(results=results, failures={"net-x": "ZeroDivisionError: by zero"} if failing else {})

    monkeypatch.setattr(experiment, "run_experiment", fake)
    return called, failing


def test_options_narrow_the_grid(settings):
    result = accuracy(
        "images", "--seeds", "0, 2", "--methods", "crisp,channel", "--sparsities", "0.9", "--ratios", "2:4"
    )
    assert result.exit_code == 0
    ((called,), _) = settings
    assert called.grid.class_seeds == (0, 2)
    assert called.grid.sparsities == (0.9,)
    assert called.grid.methods == ("crisp", "channel")
    assert called.grid.ratios == ((2, 4),)
    assert called.grid.blocks == (16,)
    assert called.data == "images"
    assert called.name == "headline-seeds-0+2-methods-crisp+channel-sparsities-0.9-ratios-2of4"


def test_table_of_another_preset_has_its_own_name(settings):
    accuracy("images")
    accuracy("images", "--preset", "small")
    assert [called.name for called in settings[0]] == ["headline", "headline-small"]


def test_precision_is_what_the_processor_is_faster_in(settings, monkeypatch):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": True})
    accuracy("images")
    accuracy("images", "--precision", "float32")
    assert [called.precision for called in settings[0]] == ["bfloat16", "float32"]
    assert [called.name for called in settings[0]] == ["headline", "headline-float32"]


def test_results_are_shown(settings):
    assert "79.00%" in accuracy("images").stdout
    rows = json.loads(accuracy("images", "--json").stdout)["rows"]
    assert [row["method"] for row in rows] == ["dense", "crisp"]


def test_table_is_whole_in_a_narrow_terminal(settings):
    wide, narrow = accuracy("images").stdout, accuracy("images", columns=40).stdout
    assert "classes" in narrow
    assert [line.split() for line in narrow.splitlines()] == [line.split() for line in wide.splitlines()]
    assert "…" not in narrow


def test_unreachable_target_is_told_with_its_reason(settings, monkeypatch):
    error = CellResult(cell=CELL, error="0.999 cannot be reached")
    monkeypatch.setattr(experiment, "run_experiment", lambda settings, **callbacks: Sweep(results=[error]))
    result = accuracy("images")
    assert result.exit_code == 0
    assert f"not reached: {CELL.name}: 0.999 cannot be reached" in result.stderr


def test_nothing_to_show_is_said(settings, monkeypatch):
    monkeypatch.setattr(experiment, "run_experiment", lambda settings, **callbacks: Sweep())
    assert accuracy("images", "--table-only").stdout == "no results yet\n"


def test_failed_cells_are_named_and_the_status_says_so(settings):
    settings[1].append(True)
    result = accuracy("images")
    assert result.exit_code == 1
    assert "failed: net-x: ZeroDivisionError: by zero" in result.stderr


def test_images_go_through_the_network_of_the_cell(digits_checkpoint, tmp_path, monkeypatch):
    monkeypatch.setattr(experiment, "find_recipe", lambda variant: RECIPE)
    started = []

    def run_layers(network, inputs, *, core, out, say):
        say("layer 1, conv: NOT bit-exact")
        started.append((load_metadata(network), load_file(inputs)["images"].shape, core))
        return CoreRun(preset=core.name, sim="none", layers=(rtl_layer(bit_exact=False),))

    monkeypatch.setattr("crisp_cli.cosim.run.run_network_layers", run_layers)
    monkeypatch.setattr(command, "try_rtl", lambda: started.append("tried"))
    grid = ("--classes", 3, "--methods", "dense,crisp", "--sparsities", 0.85, "--preset", "tiny")
    result = accuracy(
        "digits", "--network", digits_checkpoint, *grid, "--rtl", 7, "--out", tmp_path, "--json"
    )
    tried, (metadata, shape, core) = started
    assert tried == "tried"
    assert (shape, core) == ((7, 1, 8, 8), named_preset("tiny"))
    figures = json.loads(result.stdout)
    assert figures["rtl"] == {"cell": "model-c3-s0-crisp-1of4-b16-p85", "images": 7, "status": 1}
    assert metadata["accuracy"] == figures["rows"][1]["accuracy"]
    assert result.exit_code == 1


def test_images_need_a_method_that_makes_a_network(monkeypatch):
    monkeypatch.setattr(experiment, "run_experiment", None)
    result = accuracy("images", "--rtl", 7, "--methods", "dense")
    assert result.exit_code == 2
    assert "expected `crisp` among the methods" in result.stderr


def test_images_need_a_network(settings, monkeypatch):
    monkeypatch.setattr(command, "try_rtl", lambda: None)
    error = CellResult(cell=CELL, error="0.999 cannot be reached")
    monkeypatch.setattr(experiment, "run_experiment", lambda settings, **callbacks: Sweep(results=[error]))
    result = accuracy("images", "--rtl", 7)
    assert result.exit_code == 2
    assert "there is no CRISP cell for the RTL; expected `crisp` among the methods" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--grid", "all"), "no grid 'all'; expected one of headline, full"),
        (("--seeds", "0,x"), "'x'; expected values separated by commas"),
        (("--ratios", "1:4,2"), "expected N:M such as 1:4, not '2'"),
        (("--preset", "huge"), "huge"),
        (("--precision", "int8"), "no precision 'int8'; expected one of auto, float32, bfloat16"),
        (("--network", "nothing"), "no checkpoint 'nothing'"),
        (("--classes", "11", "--network", "small_resnet_fashion_mnist"), "from 1 to 10, not 11"),
        (
            ("--blocks", "6", "--methods", "dense"),
            "`blocks` must be a positive multiple of m = 4 up to 1024, not 6",
        ),
        (
            ("--blocks", "16", "--methods", "dense"),
            "`blocks` 16 has no effect: no cell of the chosen methods",
        ),
        (
            ("--methods", "dense,crisp", "--sparsities", "0.5", "--ratios", "1:4"),
            "`methods` crisp has no effect",
        ),
        (("--variants", "short", "--methods", "channel"), "`variants` short has no effect"),
        (("--workers", 0), "Invalid value for '--workers'"),
        (("--table-only", "--workers", 2), "--workers 2 has no effect: --table-only computes nothing"),
        (("--cluster", "tcp://a:1", "--workers", 2), "--workers 2 has no effect: the cluster at tcp://a:1"),
        (("--sparsities", "92", "--table-only"), "`sparsities` must be above 0 and below 1, not 92.0"),
    ],
)
def test_bad_options_are_one_message_and_status_2(arguments, message, tmp_path):
    result = accuracy("digits", "--out", tmp_path, *arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert "Traceback" not in result.stderr

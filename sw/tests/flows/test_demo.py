"""The demo's results, with a stand-in for the RTL that behaves as predicted or fails on request."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

from crisp_files.documents import read_document, write_document
from crisp_golden.arithmetic.inference import run_network
from crisp_golden.cycles.layer_report import layer_report
from crisp_spec.config import named_preset, preset
from crisp_spec.errors import FailedError
from crisp_sw.errors import ClassSelectionError
from crisp_sw.exchange.packed import load_metadata, load_network
from crisp_sw.flows import demo as demonstration
from crisp_sw.flows.demo import DemoFiles, DemoSettings, RunOnRtl, run_demo
from crisp_sw.flows.inputs import ClassTask, load_task
from crisp_sw.flows.inspection import conv_inputs
from crisp_sw.flows.steps import PruneBudget, ignore_progress
from crisp_sw.prune import settings_of
from crisp_sw.results.core_run import CoreRun
from crisp_sw.results.demo_report import DemoReport
from crisp_sw.results.layers import RtlLayer, rtl_failures


def predicted_rtl(network: Path, inputs: Path, out: Path) -> CoreRun:
    """Return, and write, what an RTL that does exactly as predicted would measure."""
    reports = [
        layer_report(preset("edge"), layer, height, width)
        for layer, height, width in conv_inputs(load_network(network))
    ]
    layers = [
        RtlLayer(**vars(report), cycles_rtl=report.cycles_predicted, bit_exact=True) for report in reports
    ]
    assert load_file(inputs)["images"].dtype == np.int8
    measured = CoreRun(preset="edge", sim="none", layers=tuple(layers))
    write_document(out, measured)
    return measured


@pytest.fixture(scope="module")
def settings(digits_checkpoint) -> DemoSettings:
    return DemoSettings(
        classes="3,8,5",
        checkpoint=str(digits_checkpoint),
        prune=settings_of(sparsity=0.85, iterations=2, final_epochs=2, batch_size=32),
        budget=PruneBudget(samples_per_class=80),
    )


def demo(
    settings: DemoSettings, out: Path, rtl: RunOnRtl = predicted_rtl, say: Callable[[str], None] = print
) -> DemoReport:
    return run_demo(settings, out, rtl, say=say, on_progress=ignore_progress)


@pytest.fixture(scope="module")
def finished(settings, tmp_path_factory) -> tuple[DemoReport, DemoFiles]:
    out = tmp_path_factory.mktemp("demo") / "deep" / "demo"
    return demo(settings, out), DemoFiles(out)


def test_report_has_every_figure(finished):
    report, files = finished
    assert read_document(DemoReport, files.report) == report
    assert report.dataset == "digits"
    assert report.classes == ("3", "8", "5")
    assert report.preset == "edge"
    assert report.seed == 0
    assert set(report.accuracy.measured()) >= {"all_classes", "dense", "dense_fine_tuned", "pruned", "int8"}
    assert all(0 <= value <= 1 for value in report.accuracy.measured().values())
    assert report.sparsity >= 0.85
    assert len(report.layers) == 11
    assert report.totals.cycles_rtl == sum(layer.cycles_rtl for layer in report.layers)
    assert rtl_failures(report.layers) == []


def test_pruned_int8_network_still_recognises_the_classes(finished):
    report, _ = finished
    assert (report.accuracy.dense_fine_tuned or 0) > 0.9
    assert (report.accuracy.int8 or 0) > 0.8


def test_images_are_those_of_the_classes_and_the_scores_golden_s(finished):
    report, files = finished
    network = load_network(files.network)
    inputs = load_file(files.inputs)
    scores = run_network(network, inputs["images"])[network.nodes[-1].name].reshape(3, 3)
    assert inputs["labels"].tolist() == [0, 1, 2]
    assert [image.label for image in report.images] == ["3", "8", "5"]
    assert [list(image.scores.values()) for image in report.images] == scores.tolist()


def test_page_and_packed_network_are_written(finished):
    report, files = finished
    assert "All 11 layers are bit-exact" in files.page.read_text()
    assert load_metadata(files.network)["accuracy"] == report.accuracy.measured()
    assert load_network(files.network).classes == ("3", "8", "5")
    assert sorted(path.name for path in files.out.iterdir()) == [
        "inputs.safetensors",
        "network",
        "pruned",
        "report.html",
        "report.json",
        "rtl.json",
    ]


@pytest.fixture
def used(finished, tmp_path) -> Path:
    """A directory in which the demo has pruned before."""
    return Path(shutil.copytree(finished[1].out, tmp_path / "demo"))


def test_pruned_model_is_used_again(finished, settings, used):
    lines: list[str] = []
    again = demo(replace(settings, core=named_preset("small")), used, say=lines.append)
    assert any("using the pruned model" in line for line in lines)
    assert again.accuracy == finished[0].accuracy
    assert again.preset == "small"


@pytest.mark.parametrize("change", [{"fresh": True}, {"classes": "8,3,5"}, {"seed": 1}])
def test_changed_settings_prune_again(settings, used, change):
    quick = replace(settings, prune=settings.prune.with_values(iterations=1, final_epochs=0))
    lines: list[str] = []
    demo(quick, used, say=lines.append)
    demo(replace(quick, **change), used, say=lines.append)
    assert not any("using the pruned model" in line for line in lines)


def test_other_pictures_prune_again(settings, used, monkeypatch):
    quick = replace(settings, prune=settings.prune.with_values(iterations=1, final_epochs=0))
    demo(quick, used)

    def brighter(*arguments: Any) -> ClassTask:
        task = load_task(*arguments)
        train = replace(task.splits.train, images=task.splits.train.images.clamp(min=8))
        return replace(task, splits=replace(task.splits, train=train))

    monkeypatch.setattr(demonstration, "load_task", brighter)
    lines: list[str] = []
    demo(quick, used, say=lines.append)
    assert not any("using the pruned model" in line for line in lines)


def test_every_stage_is_said(finished, settings, used):
    said: list[str] = []
    demo(settings, used, say=said.append)
    assert [line.split(" in ")[0].split(", ")[0] for line in said] == [
        "classes 3",
        "trying the simulator of the RTL",
        "measuring the network on all classes",
        "using the pruned model",
        "quantizing and packing the network",
        "running every layer on the RTL",
    ]


def test_failures_of_the_rtl_are_reported(settings, used):
    def broken(network: Path, inputs: Path, out: Path) -> CoreRun:
        measured = predicted_rtl(network, inputs, out)
        first, second, *others = measured.layers
        late = replace(second, cycles_rtl=second.cycles_rtl + 7)
        return replace(measured, layers=(replace(first, bit_exact=False), late, *others))

    report = demo(settings, used, broken)
    problems = rtl_failures(report.layers)
    assert len(problems) == 2
    assert problems[0].startswith("conv: the RTL's output differs")
    assert "the cycle model predicted" in problems[1]
    assert report.totals.bit_exact is False
    assert "does not do what was predicted" in (used / "report.html").read_text()


def test_rtl_that_fails_leaves_no_result(settings, used):
    def failing(*paths: Path) -> CoreRun:
        raise FailedError("the simulation ended without writing its results")

    (used / "report.json").unlink()
    assert (used / "rtl.json").exists()  # of an earlier run: must not be taken for this one's
    with pytest.raises(FailedError, match="ended without writing its results"):
        demo(settings, used, failing)
    assert not (used / "report.json").exists()
    assert not (used / "rtl.json").exists()


def test_bad_input_writes_nothing(settings, tmp_path):
    with pytest.raises(ClassSelectionError):
        demo(replace(settings, classes="3,eleven"), tmp_path / "demo")
    assert not (tmp_path / "demo").exists()

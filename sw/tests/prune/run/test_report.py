"""The report's sums, and that it survives JSON."""

import json

import pytest

from crisp_sw.prune.run.report import IterationReport, LayerReport, PruneReport
from crisp_sw.prune.settings.prune_settings import settings_of
from crisp_sw.prune.tuning.fine_tuning import EpochStatistics

PRUNED = LayerReport(
    name="conv",
    weights=100,
    kept_weights=20,
    kept_blocks=4,
    total_blocks=8,
    kept_per_row=2,
    blocks_per_row=4,
)
DENSE = LayerReport.dense("stem", 60, "too small")


def report_of(*iterations: IterationReport) -> PruneReport:
    return PruneReport(settings=settings_of(), layers=(DENSE, PRUNED), iterations=iterations)


def test_sparsities():
    report = report_of()
    assert PRUNED.sparsity == pytest.approx(0.8)
    assert DENSE.sparsity == 0.0
    assert report.sparsity == pytest.approx(0.8)
    assert report.model_sparsity == pytest.approx(0.5)


def test_iteration_with_and_without_training():
    step = IterationReport.of(0.7, 0.71, EpochStatistics(loss=0.5, accuracy=0.9))
    assert (step.target, step.sparsity, step.loss, step.accuracy) == (0.7, 0.71, 0.5, 0.9)
    assert IterationReport.of(0.7, 0.71, None).loss is None


def test_json():
    step = IterationReport.of(0.7, 0.71, EpochStatistics(loss=0.5, accuracy=0.9))
    values = json.loads(json.dumps(report_of(step).to_json()))
    assert [layer["name"] for layer in values["layers"]] == ["stem", "conv"]
    assert values["layers"][0]["dense_reason"] == "too small"
    assert values["layers"][1]["kept_per_row"] == 2
    assert values["iterations"] == [{"target": 0.7, "sparsity": 0.71, "loss": 0.5, "accuracy": 0.9}]
    assert values["settings"]["block"] == 16

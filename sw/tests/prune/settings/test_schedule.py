"""Targets rise to the wanted sparsity."""

import pytest

from crisp_sw.prune.settings.methods import CrispPruning
from crisp_sw.prune.settings.schedule import target_sparsities


def test_linear_targets():
    settings = CrispPruning.of(sparsity=0.9, iterations=4, schedule="linear")
    assert target_sparsities(settings, start=0.5) == pytest.approx([0.6, 0.7, 0.8, 0.9])


def test_cubic_targets():
    settings = CrispPruning.of(sparsity=0.9, iterations=2, schedule="cubic")
    assert target_sparsities(settings, start=0.5) == pytest.approx([0.85, 0.9])


def test_crisp_steps_start_with_fine_sparsity_alone():
    settings = CrispPruning.of(sparsity=0.9, iterations=5, schedule="crisp")
    assert target_sparsities(settings, start=0.5) == pytest.approx([0.5, 0.6, 0.7, 0.8, 0.9])
    assert target_sparsities(settings, start=0.1) == pytest.approx([0.1, 0.3, 0.5, 0.7, 0.9])


@pytest.mark.parametrize("schedule", ["linear", "cubic", "crisp"])
@pytest.mark.parametrize("iterations", [1, 2, 7])
def test_targets_rise_and_end_exactly(schedule, iterations):
    targets = target_sparsities(
        CrispPruning.of(sparsity=0.93, iterations=iterations, schedule=schedule), start=0.75
    )
    assert len(targets) == iterations
    assert targets == sorted(targets)
    assert targets[-1] == 0.93


def test_target_that_fine_sparsity_reaches_alone():
    assert target_sparsities(CrispPruning.of(sparsity=0.5, iterations=3), start=0.75) == [0.5, 0.5, 0.5]

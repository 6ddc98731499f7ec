"""Learning rates over a run."""

import pytest

from crisp_sw.prune.settings.fine_tuning_settings import FineTuning
from crisp_sw.prune.settings.learning_rate import learning_rate_at


def rates(epochs, **choices):
    settings = FineTuning.of(
        iterations=2, epochs_per_iteration=3, final_epochs=4, learning_rate=0.1, **choices
    )
    return [learning_rate_at(settings, epoch) for epoch in epochs]


def test_constant_until_the_final_epochs():
    assert rates([0, 3, 5.9, 6, 8, 10]) == pytest.approx([0.1, 0.1, 0.1, 0.1, 0.05, 0.0])


def test_one_cosine_over_all():
    assert rates([0, 5, 10], lr_schedule="cosine") == pytest.approx([0.1, 0.05, 0.0])


def test_warm_up():
    assert rates([0, 1, 2, 3], warmup_epochs=2.0) == pytest.approx([0.0, 0.05, 0.1, 0.1])

"""Settings in groups: names, values and choices of all of them together."""

from dataclasses import dataclass, field

import pytest

from crisp_sw.prune import CrispPruning, FineTuning, LayerChoice, PruneError, prune_methods
from crisp_sw.prune.settings.fine_tuning_settings import Distillation
from crisp_sw.prune.settings.settings_group import SettingsGroup

HOT = Distillation(temperature=3.0)


def test_settings_have_the_same_names_in_their_groups_and_alone():
    by_name = CrispPruning.of(n=2, final_epochs=1, temperature=3.0, exclude=("fc",), min_kept_blocks=2)
    by_group = CrispPruning(
        n=2,
        training=FineTuning(final_epochs=1, teaching=Distillation(temperature=3.0)),
        layers=LayerChoice(exclude=("fc",)),
        floor=CrispPruning.of(min_kept_blocks=2).floor,
    )
    assert by_name == by_group
    assert by_name.values()["temperature"] == 3.0


def test_other_values_leave_the_rest_of_a_group():
    settings = CrispPruning.of(final_epochs=1, temperature=3.0).with_values(distillation=0.9, n=3)
    teaching = settings.training.teaching
    assert (settings.n, settings.training.final_epochs) == (3, 1)
    assert (teaching.temperature, teaching.distillation) == (3.0, 0.9)


@pytest.mark.parametrize("kind", prune_methods().values())
def test_names_are_different_over_all_groups_of_a_method(kind):
    names = [*kind().values()]
    assert len(set(names)) == len(names)
    assert names == list(kind.settings())


def test_groups_may_have_their_defaults_either_way():
    @dataclass(frozen=True, kw_only=True)
    class Both(SettingsGroup):
        teaching: Distillation = HOT
        layers: LayerChoice = field(default_factory=LayerChoice)

    changed = Both.of(distillation=0.1, exclude=("fc",))
    assert (changed.teaching.temperature, changed.teaching.distillation) == (3.0, 0.1)
    assert changed.layers.exclude == ("fc",)
    with pytest.raises(PruneError, match="no setting 'temprature'; did you mean 'temperature'"):
        Both.of(temprature=1.0)


def test_choices_are_those_of_the_check():
    assert CrispPruning.choices("lr_schedule") == ("final-cosine", "cosine")
    assert CrispPruning.choices("n") == ()
    with pytest.raises(PruneError, match="`lr_schedule` must be one of final-cosine, cosine, not 'none'"):
        CrispPruning.of(lr_schedule="none")


def test_a_group_of_another_class_is_refused():
    with pytest.raises(PruneError, match="`training` must be FineTuning, not LayerChoice"):
        CrispPruning(training=LayerChoice())  # pyright: ignore[reportArgumentType]

"""Settings reject what makes no sense, with messages that name value and expectation."""

import json

import pytest

from crisp_sw.prune.errors import PruneError
from crisp_sw.prune.settings.fine_tuning_settings import FineTuning
from crisp_sw.prune.settings.layer_rules import LayerRule
from crisp_sw.prune.settings.methods import ReferencePruning
from crisp_sw.prune.settings.prune_settings import prune_methods, settings_from_json, settings_of


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"n": 5, "m": 4}, "`n` must be from 1 to m = 4, not 5"),
        ({"n": 0}, "`n` must be an integer of at least 1, not 0"),
        ({"m": 2.0}, "`m` must be an integer of at least 1, not 2.0"),
        ({"block": 18}, "`block` must be a multiple of m = 4, not 18"),
        ({"sparsity": 1.0}, "`sparsity` must be from 0 below 1, not 1.0"),
        ({"sparsity": float("nan")}, "`sparsity` must be from 0 below 1, not nan"),
        ({"sparsity": "high"}, "`sparsity` must be from 0 below 1, not 'high'"),
        ({"iterations": 0}, "`iterations` must be an integer of at least 1, not 0"),
        ({"batch_size": True}, "`batch_size` must be an integer of at least 1, not True"),
        ({"final_epochs": -1}, "`final_epochs` must be an integer of at least 0, not -1"),
        ({"learning_rate": 0.0}, "`learning_rate` must be a positive number up to 3e+38, not 0.0"),
        ({"learning_rate": True}, "`learning_rate` must be a positive number up to 3e+38, not True"),
        ({"sparsity": False}, "`sparsity` must be from 0 below 1, not False"),
        ({"temperature": float("inf")}, "`temperature` must be a positive number up to 3e+38, not inf"),
        ({"distillation": 1.5}, "`distillation` must be from 0 to 1, not 1.5"),
        ({"min_kept_share": -0.1}, "`min_kept_share` must be from 0 to 1, not -0.1"),
        ({"schedule": "square"}, "`schedule` must be one of linear, cubic, crisp, not 'square'"),
        ({"small_layers": "drop"}, "`small_layers` must be one of dense, fine, hybrid, not 'drop'"),
        ({"method": "magic"}, f"`method` must be one of {', '.join(prune_methods())}, not 'magic'"),
        ({"learning_rate": 1e308}, "`learning_rate` must be a positive number up to 3e+38, not 1e+308"),
        ({"block": 4096}, "`block` must be at most 1024, not 4096"),
        ({"final_epochs": 10**400}, f"`final_epochs` must be at most 1000000000, not {10**400}"),
        ({"iterations": 10**9}, "`iterations` must be at most 65536, not 1000000000"),
        ({"unlabelled_batch": 10**8}, "`unlabelled_batch` must be at most 65536, not 100000000"),
        ({"max_grad_norm": 0}, "`max_grad_norm` must be a positive number up to 3e+38, not 0"),
        ({"warmup_epochs": -1}, "`warmup_epochs` must be from 0 to 1e+09, not -1"),
        ({"rules": [1]}, "`rules` must be a tuple of LayerRule, not [1]"),
        ({"unlabelled_batch": -1}, "`unlabelled_batch` must be an integer of at least 0, not -1"),
        (
            {"unlabelled_batch": 8, "distillation": 0.0},
            "`unlabelled_batch` 8 without `distillation` teaches nothing; expected 0, or a `distillation` "
            "above 0",
        ),
        (
            {"unlabelled_batch": 8, "own_epochs": 8},
            "`own_epochs` must be less than the 8 epochs of the run where `unlabelled_batch` is 8, not 8",
        ),
        ({"own_epochs": -1}, "`own_epochs` must be an integer of at least 0, not -1"),
        ({"seed": -1}, "`seed` must be an integer from 0 to 18446744073709551615, not -1"),
        ({"seed": 2**64}, f"`seed` must be an integer from 0 to {2**64 - 1}, not {2**64}"),
        ({"seed": 1.0}, "`seed` must be an integer from 0 to 18446744073709551615, not 1.0"),
        ({"exclude": "conv*"}, "`exclude` must be a tuple of strings, not 'conv*'"),
    ],
)
def test_bad_value_is_named(values, message):
    with pytest.raises(PruneError) as error:
        settings_of(**values)
    assert str(error.value) == message


def test_total_epochs():
    assert FineTuning(iterations=3, epochs_per_iteration=2, final_epochs=5).total_epochs == 11


def test_json_round_trip():
    settings = settings_of(exclude=("stem*",), n=1, rules=(LayerRule(name="fc", dense=True),))
    assert settings_from_json(json.loads(json.dumps(settings.to_json()))) == settings


RULE = 'a rule must be a table such as {name = "fc", n = 2}, not'


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"zzz": "red"}, f"no setting 'zzz'; expected one of {', '.join(settings_of().to_json())}"),
        ({"final_epoch": 3}, "no setting 'final_epoch'; did you mean 'final_epochs'?"),
        ({"exclude": "stem*"}, "`exclude` must be a list of strings, not 'stem*'"),
        ({"exclude_types": [3]}, "`exclude_types` must be a tuple of strings, not (3,)"),
        ({"rules": "x"}, "`rules` must be a list of tables such as {name = \"fc\", n = 2}, not 'x'"),
        (
            {"rules": {"name": "fc"}},
            "`rules` must be a list of tables such as {name = \"fc\", n = 2}, not {'name': 'fc'}",
        ),
        ({"rules": [3]}, f"{RULE} 3"),
        ({"rules": ["fc"]}, f"{RULE} 'fc'"),
        ({"rules": [{"name": 3, "n": 1}]}, "`name` must be a string, not 3"),
        ({"rules": [{"type": ["Linear"]}]}, "`type` must be a string, not ['Linear']"),
        ({"rules": [{"name": "fc", "dense": "no"}]}, "`dense` must be true or false, not 'no'"),
        (
            {"rules": [{"name": "fc", "min_kept_shares": 1}]},
            "no setting of a rule 'min_kept_shares'; did you mean 'min_kept_share'?",
        ),
        (
            {"rules": [{"n": 1}]},
            "a LayerRule needs a `name` pattern, a `type` or a `role`; expected at least one of them",
        ),
        ({"flip": "no"}, "`flip` must be true or false, not 'no'"),
        ({"dense_first": "no"}, "`dense_first` must be true or false, not 'no'"),
        ({"dense_classifier": 1}, "`dense_classifier` must be true or false, not 1"),
    ],
)
def test_bad_settings_of_a_file_are_named(values, message):
    with pytest.raises(PruneError) as error:
        settings_from_json(values)
    assert str(error.value) == message


def test_published_code_has_masks_of_its_own():
    settings = ReferencePruning()
    assert settings.masking.flattens
    assert settings.masking.gradient == "masked"

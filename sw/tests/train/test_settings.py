"""Training settings and the learning rate they give."""

import pytest

from crisp_sw.errors import TrainingError
from crisp_sw.train.settings import TrainingSettings


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"learning_rate": float("nan")}, "`learning_rate` must be above 0 and at most 3e+38, not nan"),
        ({"learning_rate": 1e308}, "`learning_rate` must be above 0 and at most 3e+38, not 1e+308"),
        ({"epochs": 10**400}, f"`epochs` must be above 0 and at most 1e+06, not {10**400}"),
        ({"epochs": 0}, "`epochs` must be above 0 and at most 1e+06, not 0"),
        ({"batch": -1}, "`batch` must be above 0 and at most 1e+06, not -1"),
        ({"learning_rate": 0.0}, "`learning_rate` must be above 0 and at most 3e+38, not 0.0"),
        ({"momentum": 1.0}, "`momentum` must be from 0 to 1, 1 excluded, not 1.0"),
        ({"label_smoothing": -0.1}, "`label_smoothing` must be from 0 to 1"),
        ({"crop_border": "white"}, "no crop_border 'white'; expected one of black, mirror"),
        ({"crop_padding": -1}, "`crop_padding` must be 0 or more, not -1"),
        ({"seed": -1}, "`seed` must be an integer from 0 to 18446744073709551615, not -1"),
        ({"seed": 2**64}, "to 18446744073709551615, not 18446744073709551616"),
        ({"schedule": "step"}, "no schedule 'step'; expected one of one-cycle, cosine"),
        ({"precision": "int8"}, "no precision 'int8'; expected one of float32, bfloat16"),
    ],
)
def test_bad_setting_is_named(changes, message):
    with pytest.raises(TrainingError) as caught:
        TrainingSettings(**changes)
    assert message in str(caught.value)


def test_one_cycle_rises_then_falls_to_zero():
    settings = TrainingSettings(learning_rate=0.4)
    rates = [settings.learning_rate_at(position / 8) for position in range(9)]
    assert rates[0] == pytest.approx(0.016)
    assert rates[2] == 0.4
    assert rates[:3] == sorted(rates[:3])
    assert rates[2:] == sorted(rates[2:], reverse=True)
    assert rates[5] == pytest.approx(0.2)
    assert rates[8] == 0


def test_cosine_falls_from_the_start():
    settings = TrainingSettings(learning_rate=0.4, schedule="cosine")
    assert [settings.learning_rate_at(position) for position in (0, 0.5, 1)] == pytest.approx([0.4, 0.2, 0])

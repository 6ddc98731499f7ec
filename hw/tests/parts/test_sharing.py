# amaranth: UnusedElaboratable=no
"""Shared modules: one text for many instances, with the component's ports."""

import pytest
from amaranth.hdl import Module, signed, unsigned
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from crisp_hw.cells import LutRam, Multiplier, Technology
from crisp_hw.core.core import CrispCore
from crisp_hw.parts.sharing import SharedModules, convert_shared, shared
from crisp_spec.config import PRESETS


class Pair(wiring.Component):
    """Two equal memories and a third of another size."""

    def __init__(self):
        super().__init__({"address": In(3), "data": Out(8)})

    def elaborate(self, platform):
        m = Module()
        rams = [LutRam(width=8, depth=depth) for depth in (8, 8, 4)]
        for number, ram in enumerate(rams):
            m.submodules[f"ram_{number}"] = shared(platform, ram)
            m.d.comb += ram.read_addr.eq(self.address)
        m.d.comb += self.data.eq(rams[0].read_data ^ rams[1].read_data ^ rams[2].read_data)
        return m


class Liar(wiring.Component):
    """Claims the name of a module that has other ports."""

    module_name = "lut_ram_8x8"

    def __init__(self):
        super().__init__({"other": In(1)})

    def elaborate(self, platform):
        return Module()


def test_equal_components_share_one_module():
    text = convert_shared(Pair(), "pair")
    assert text.count("module \\pair__lut_ram_8x8\n") == 1
    assert text.count("module \\pair__lut_ram_8x4\n") == 1
    assert text.count("cell \\pair__lut_ram_8x8 ") == 2
    assert text.count("cell \\pair__lut_ram_8x4 ") == 1


def test_only_the_top_is_marked_as_top():
    assert convert_shared(Pair(), "pair").count("attribute \\top 1") == 1


def test_without_the_platform_the_component_is_its_own_submodule():
    ram = LutRam(width=8, depth=8)
    assert shared(None, ram) is ram


def test_a_name_that_stands_for_another_module_is_refused():
    modules = SharedModules("top")
    modules.instance(LutRam(width=8, depth=8))
    with pytest.raises(ValueError, match=r"'top__lut_ram_8x8' has ports .*, its component \['other'\]"):
        modules.instance(Liar())


def test_names_tell_apart_what_differs():
    names = {
        Multiplier(a, b, technology=technology).module_name
        for a in (unsigned(8), signed(9))
        for b in (unsigned(8), signed(9))
        for technology in (Technology.GENERIC, Technology.ECP5)
    }
    assert len(names) == 8


def test_the_core_has_one_row_module_and_as_many_instances_as_rows():
    config = PRESETS["small"]
    text = convert_shared(CrispCore(config), "crisp_core")
    assert text.count("module \\crisp_core__array_row_") == 1
    assert text.count("cell \\crisp_core__array_row_") == config.rows
    assert text.count("cell \\crisp_core__nm_lane_4 ") == config.cols * config.lanes

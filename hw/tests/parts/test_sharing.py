# amaranth: UnusedElaboratable=no
"""Shared modules: one text for many instances, with the component's ports."""

import pytest
from amaranth.back import rtlil
from amaranth.hdl import Instance, Module, Value, signed, unsigned
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from crisp_hw.accelerator import CrispStc
from crisp_hw.cells import LutRam, Multiplier, Technology
from crisp_hw.core.core import CrispCore
from crisp_hw.core.sequencing.pixel_walker import PixelWalker
from crisp_hw.parts.credit_counter import CreditCounter
from crisp_hw.parts.sharing import Shareable, SharedModules, convert_shared, shared
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


class Liar(Shareable):
    """Has the name of another class's module, and its ports."""

    module_name = "lut_ram_8x8"  # pyright: ignore

    def __init__(self):
        super().__init__(LutRam(width=8, depth=8).signature)

    def elaborate(self, platform):
        return Module()


class Offset(Shareable):
    """Adds a constant that its name does not tell, and that no port shows."""

    def __init__(self, offset: int = 1, *, words: tuple[str, ...] = ()):
        self.offset = offset
        super().__init__({"value": In(8), "sum": Out(8)})

    def elaborate(self, platform):
        m = Module()
        m.d.comb += self.sum.eq(self.value + self.offset)
        return m


class EveryPartConverted(SharedModules):
    """Converts every component, not only the first of its kind, and compares what it gets."""

    def instance(self, component: Shareable, reset: Value | None = None) -> Instance:
        instance = super().instance(component, reset)
        name = f"{self.top}__{component.module_name}"
        if self.convert(component, name) != self.texts[name]:
            raise AssertionError(f"{name} is not what all its instances are")
        return instance


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


def test_a_module_of_another_class_is_not_merged_though_name_and_ports_are_equal():
    modules = SharedModules("top")
    modules.instance(LutRam(width=8, depth=8))
    with pytest.raises(ValueError, match=r"^module name 'top__lut_ram_8x8' stands for LutRam and Liar$"):
        modules.instance(Liar())


def test_a_parameter_that_the_name_does_not_tell_is_not_merged():
    modules = SharedModules("top")
    modules.instance(Offset(1))
    with pytest.raises(
        ValueError, match=r"^module name 'top__offset' stands for Offset with `offset` 1 and with 2$"
    ):
        modules.instance(Offset(2))


def test_parameters_are_those_of_the_constructor_however_they_are_given():
    modules = SharedModules("top")
    for component in (Offset(), Offset(1), Offset(offset=1), Offset(1, words=())):
        assert component.parameters == {"offset": 1, "words": ()}
        modules.instance(component)
    assert list(modules.texts) == ["top__offset"]
    assert PixelWalker(PRESETS["tiny"]).parameters == {"config": PRESETS["tiny"]}


def test_a_module_without_a_register_that_is_reset_has_no_reset():
    modules = SharedModules("top")
    for component in (LutRam(width=8, depth=8), CreditCounter(4)):
        modules.instance(component)
    with_reset = {name: "\\rst" in text for name, text in modules.texts.items()}
    assert with_reset == {"top__lut_ram_8x8": False, "top__credit_counter_4_0": True}


@pytest.mark.slow
def test_all_instances_of_a_module_are_what_the_first_is():
    """What no comparison of parameters can show: hardware that depends on something else, too."""
    modules = EveryPartConverted("top")
    rtlil.convert(CrispStc(PRESETS["tiny"]), platform=modules)
    assert len(modules.texts) > 50


def test_the_comparison_of_all_instances_finds_a_difference():
    second, modules = Offset(1), EveryPartConverted("top")
    second.offset = 2
    modules.instance(Offset(1))
    with pytest.raises(AssertionError, match=r"^top__offset is not what all its instances are$"):
        modules.instance(second)


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

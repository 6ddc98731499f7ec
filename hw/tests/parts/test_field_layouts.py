"""Structs of declared fields: they lie where the software packs them."""

import pytest
from amaranth.hdl import Module, Signal, Value
from amaranth.lib import wiring

from crisp_hw.parts.field_layouts import fields_layout, same_fields
from crisp_spec.fields import Field, pack_fields
from hw.tests.simulate import simulate

FIELDS = (Field("a", 3, False, ""), Field("b", 5, True, ""), Field("c", 1, False, ""))
VALUES = {"a": 5, "b": -7, "c": 1}


def test_a_struct_lies_as_it_is_packed():
    layout = fields_layout(FIELDS)
    assert layout.const(VALUES).as_value().value == pack_fields(FIELDS, VALUES)
    assert layout.size == 9


def test_chosen_fields_keep_the_order_of_their_declaration():
    assert list(fields_layout(FIELDS, ("c", "a")).members) == ["a", "c"]
    assert fields_layout(FIELDS, ("b",))["b"].shape.signed


def test_a_name_that_is_no_field_is_refused():
    with pytest.raises(ValueError, match="there is no field `d`"):
        fields_layout(FIELDS, ("a", "d"))


class Chooser(wiring.Component):
    def __init__(self):
        self.source, self.target = Signal(fields_layout(FIELDS)), Signal(fields_layout(FIELDS, ("b", "c")))
        super().__init__({})

    def elaborate(self, platform):
        m = Module()
        m.d.comb += same_fields(self.target, self.source)
        return m


def test_fields_are_found_by_name():
    chooser = Chooser()

    async def bench(ctx):
        ctx.set(Value.cast(chooser.source), pack_fields(FIELDS, VALUES))
        assert (ctx.get(chooser.target.b), ctx.get(chooser.target.c)) == (-7, 1)

    simulate(chooser, bench)

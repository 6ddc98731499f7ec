"""The multiplexer against indexing."""

import pytest
from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from crisp_hw.parts.select import select
from hw.tests.simulate import trace


class Select(wiring.Component):
    """``select`` on ``count`` values with ports."""

    def __init__(self, count: int, index_bits: int):
        self.count = count
        super().__init__({"values": In(4 * count), "index": In(index_bits), "o": Out(4)})

    def elaborate(self, platform):
        m = Module()
        values = [Signal(4, name=f"value_{i}") for i in range(self.count)]
        m.d.comb += [value.eq(self.values.word_select(i, 4)) for i, value in enumerate(values)]
        m.d.comb += self.o.eq(select(list(values), self.index))
        return m


@pytest.mark.parametrize("index_bits", [0, 1, 2, 3])
def test_select_picks_by_index(index_bits: int):
    values = [3, 5, 9, 14, 1, 7, 8, 12][: 1 << index_bits]
    packed = sum(value << 4 * i for i, value in enumerate(values))
    frames = [{"values": packed, "index": index} for index in range(len(values))]
    assert [out["o"] for out in trace(Select(len(values), index_bits), frames, ["o"])] == values


def test_select_refuses_an_index_that_does_not_fit_the_values():
    with pytest.raises(ValueError, match="an index of 2 bits selects one of 4, not 3"):
        select([Signal(4) for _ in range(3)], Signal(2))

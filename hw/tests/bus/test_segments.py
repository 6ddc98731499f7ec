"""Segments: the same bytes can be reached as in the declaration of the registers."""

from random import Random

from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from crisp_hw.bus.segments import OFFSET_BITS, RANGE_LAYOUT, reachable_bytes, segment_base
from crisp_spec import registers
from crisp_spec.registers import ADDRESS_BITS, PAGE_BITS
from hw.tests.simulate import simulate


class Reach(wiring.Component):
    def __init__(self):
        super().__init__(
            {"segment": In(RANGE_LAYOUT), "base": Out(ADDRESS_BITS), "reachable": Out(OFFSET_BITS)}
        )

    def elaborate(self, platform):
        m = Module()
        m.d.comb += [
            self.base.eq(segment_base(self.segment)),
            self.reachable.eq(reachable_bytes(self.segment)),
        ]
        return m


def test_a_segment_ends_where_the_address_space_does():
    rng, dut = Random(1), Reach()
    pages = 1 << ADDRESS_BITS - PAGE_BITS
    largest = (1 << OFFSET_BITS) - 1
    cases = [(pages - 1, largest), (pages - 1, 1 << PAGE_BITS), (pages - 1, 0), (0, largest), (pages // 2, 5)]
    for _ in range(300):
        cases.append((pages - rng.randint(1, 1 << rng.randint(1, 22)), rng.getrandbits(rng.randint(1, 32))))
        cases.append((rng.randrange(pages), rng.getrandbits(32)))

    async def bench(ctx):
        for page, size in cases:
            ctx.set(dut.segment, {"page": page, "size": size})
            assert ctx.get(dut.base) == page << PAGE_BITS
            assert ctx.get(dut.reachable) == registers.reachable_bytes(page << PAGE_BITS, size)

    simulate(dut, bench)

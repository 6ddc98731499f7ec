"""Products in logic against Python's."""

from random import Random

import pytest
from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from crisp_hw.parts.small_products import PRODUCT_LATENCY, registered_product, short_product
from hw.tests.simulate import pipelined


class Products(wiring.Component):
    def __init__(self, a_bits: int, b_bits: int):
        bits = a_bits + b_bits
        super().__init__({"a": In(a_bits), "b": In(b_bits), "short": Out(bits), "product": Out(bits)})

    def elaborate(self, platform):
        m = Module()
        m.d.comb += [
            self.short.eq(short_product(self.b, self.a)),
            self.product.eq(registered_product(m, self.a, self.b, name="registered")),
        ]
        return m


@pytest.mark.parametrize(("a_bits", "b_bits"), [(10, 10), (7, 3), (4, 2)])
def test_products_are_exact(a_bits, b_bits):
    rng = Random(1)
    largest = (1 << a_bits) - 1, (1 << b_bits) - 1
    pairs = [(rng.randint(0, largest[0]), rng.randint(0, largest[1])) for _ in range(200)] + [largest]
    frames = [{"a": a, "b": b} for a, b in pairs]
    expected = [a * b for a, b in pairs]
    for name, latency in (("short", 0), ("product", PRODUCT_LATENCY)):
        seen = pipelined(Products(a_bits, b_bits), frames, [name], latency)
        assert [frame[name] for frame in seen] == expected

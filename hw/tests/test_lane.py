"""The N:M lane against the product that it stands for."""

import numpy as np
import pytest
from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from crisp_golden.timing import LANE_LATENCY
from crisp_hw.cells import Target
from crisp_hw.lane import NmLane, select
from golden.tests.random_core_layers import small_core
from hw.tests.simulate import pipelined, trace


def rtl_products(m: int, groups: np.ndarray, indices: np.ndarray, weights: np.ndarray) -> list[int]:
    lane = NmLane(small_core(2, 2, 8, m), target=Target.GENERIC)
    frames = [
        {"group": [int(v) & 0xFF for v in group], "index": int(index), "weight": int(weight)}
        for group, index, weight in zip(groups, indices, weights, strict=True)
    ]
    return [out["product"] for out in pipelined(lane, frames, ["product"], lane.latency)]


@pytest.mark.parametrize("m", [1, 2, 4, 8])
def test_lane_multiplies_the_selected_activation(m: int):
    rng = np.random.default_rng(m)
    groups = rng.integers(-128, 128, (200, m))
    indices, weights = rng.integers(0, m, 200), rng.integers(-128, 128, 200)
    expected = groups[np.arange(200), indices] * weights
    assert rtl_products(m, groups, indices, weights) == expected.tolist()


def test_lane_is_exact_at_the_corners():
    corners = [(a, w) for a in (-128, -1, 0, 127) for w in (-128, -1, 0, 127)]
    groups = np.array([[0, a, 0, 0] for a, _ in corners])
    weights = np.array([w for _, w in corners])
    products = rtl_products(4, groups, np.ones(16, int), weights)
    assert products == [a * w for a, w in corners]


def test_latency_is_the_cycle_models():
    assert NmLane.latency == LANE_LATENCY


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


@pytest.mark.parametrize(("count", "index_bits"), [(2, 1), (3, 2), (5, 3), (8, 3)])
def test_select_picks_by_index_and_is_zero_past_the_last_value(count: int, index_bits: int):
    values = [3, 5, 9, 14, 1, 7, 8, 12][:count]
    packed = sum(value << 4 * i for i, value in enumerate(values))
    frames = [{"values": packed, "index": index} for index in range(1 << index_bits)]
    picked = [out["o"] for out in trace(Select(count, index_bits), frames, ["o"])]
    assert picked == values + [0] * ((1 << index_bits) - count)

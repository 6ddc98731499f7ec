"""The N:M lane against the product that it stands for."""

import numpy as np
import pytest

from crisp_golden.stimuli.small_cores import small_core
from crisp_hw.cells import Technology
from crisp_hw.core.array.lane import NmLane
from crisp_spec.latencies import LANE_LATENCY
from hw.tests.simulate import pipelined


def rtl_products(m: int, groups: np.ndarray, indices: np.ndarray, weights: np.ndarray) -> list[int]:
    lane = NmLane(small_core(2, 2, 8, m), technology=Technology.GENERIC)
    # The weight comes a cycle after its group.
    frames = [
        {"group": [int(v) & 0xFF for v in group], "index": int(index), "weight": int(weight)}
        for group, index, weight in zip([*groups, groups[0]], [*indices, 0], [0, *weights], strict=True)
    ]
    return [out["product"] for out in pipelined(lane, frames, ["product"], lane.latency)][:-1]


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

"""cocotb bench: N:M lane against the weight slots of golden, one new operand set per cycle."""

import cocotb
import numpy as np

from crisp_golden.pack.windows import weight_slots
from crisp_sim.core.bits import to_bits
from crisp_sim.core.clocking import start_clock, through_pipeline
from crisp_sim.runs.parameters import bench_parameters, record_measurements
from crisp_spec.config import CoreConfig
from crisp_spec.latencies import LANE_LATENCY


@cocotb.test()
async def slots_of_a_group_add_up_to_its_dot_product(dut):
    """Parameters: config, seed, groups. Every N from 1 to M; garbage in the cycles between groups."""
    parameters = bench_parameters()
    m = CoreConfig(**parameters["config"]).m
    rng = np.random.default_rng(parameters["seed"])
    inputs, slots, products, groups = [], [], [], []
    for number in range(parameters["groups"]):
        n = number % m + 1
        activations, weights = _random_group(rng, m, n)
        values, places = weight_slots(weights, n)
        groups.append((len(inputs), n, int(activations.astype(int) @ weights.astype(int))))
        idle = int(rng.integers(0, 3)) if rng.random() < 0.3 else 0
        values = np.concatenate([values, rng.integers(-128, 128, idle).astype(np.int8)])
        places = np.concatenate([places, rng.integers(0, m, idle).astype(np.uint8)])
        group = to_bits(activations)
        for value, place in zip(values, places, strict=True):
            inputs.append({"group": group, "index": int(place)})
            slots.append({"weight": int(value) & 0xFF})
            products.append(int(value) * int(activations[place]))
    await start_clock(dut, group=0, index=0, weight=0)
    # A weight comes a cycle after its group.
    frames = [now | before for now, before in zip([*inputs, {}], [{}, *slots], strict=True)]
    seen = (await through_pipeline(dut, frames, output="product", latency=LANE_LATENCY))[:-1]
    assert len(seen) == len(products)
    signed = [product - (product >> 15 << 16) for product in seen]
    assert signed == products
    for first, n, dot_product in groups:
        assert sum(signed[first : first + n]) == dot_product, (first, n)
    record_measurements({"products": len(products)})


def _random_group(rng: np.random.Generator, m: int, n: int) -> tuple[np.ndarray, np.ndarray]:
    """int8[m] activations and int8[m] weights of at most ``n`` non-zeros; extreme values are frequent."""
    values = rng.integers(-128, 128, (2, m))
    extreme = rng.random((2, m)) < 0.2
    values[extreme] = rng.choice([-128, -127, -1, 0, 1, 127], int(extreme.sum()))
    kept = rng.permutation(m) < n
    return values[0].astype(np.int8), (values[1] * kept).astype(np.int8)

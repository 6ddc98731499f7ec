"""Latencies that the cycle model takes from the configuration; ``hw/tests`` proves them of the gateware."""

from dataclasses import replace

import pytest

from crisp_spec.config import PRESETS, CoreConfig, preset
from crisp_spec.latencies import (
    OUTPUT_LATENCY,
    accumulate_latency,
    decode_latency,
    flush_cycles,
    prologue_cycles,
    tree_latency,
)


@pytest.mark.parametrize(("lanes", "registers"), [(2, 1), (4, 1), (8, 2), (16, 2)])
def test_the_adder_tree_has_a_register_for_every_two_levels(lanes: int, registers: int):
    assert tree_latency(replace(preset("tiny"), lanes=lanes)) == registers
    assert 2 ** (2 * registers) >= lanes


@pytest.mark.parametrize("config", PRESETS.values(), ids=PRESETS)
def test_latencies_of_the_presets(config: CoreConfig):
    tree = 2 if config.lanes == 8 else 1
    assert accumulate_latency(config) == 5 + 2 + 4 + tree
    # Two memories of 3 cycles, 7 bits of quotient, 4 additions in a row, 3 cycles of control and queue.
    assert decode_latency(config) == 6 + 7 + 4 + 3
    assert prologue_cycles(config) == 20 + 4 + 1
    assert flush_cycles(config) == 11 + tree + 3 + OUTPUT_LATENCY + config.rows


def test_wide_arrays_take_longer_to_place_their_columns():
    assert prologue_cycles(replace(preset("large"), cols=32)) == 34

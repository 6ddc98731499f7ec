"""Layouts of the core agree with golden's declaration of commands and memory words."""

import numpy as np
import pytest
from amaranth.lib.data import StructLayout

from crisp_hw.core.payloads import (
    BLOCK_INDEX_LAYOUT,
    CHANNEL_FIELDS,
    CHANNEL_LAYOUT,
    TAP_LAYOUT,
    bank_bits,
    beat_layout,
    channel_bus_layout,
    drain_layout,
    output_layout,
    position_bits,
    ring_layout,
    row_bits,
    weight_bus_layout,
)
from crisp_spec.commands import Memory
from crisp_spec.config import PRESETS, CoreConfig
from crisp_spec.fields import Field, pack_fields
from crisp_spec.memories import ENTRIES

presets = pytest.mark.parametrize("config", PRESETS.values(), ids=PRESETS)


def random_values(fields: tuple[Field, ...], rng: np.random.Generator) -> dict[str, int]:
    """A legal value of every field."""
    return {f.name: int(rng.integers(1 << f.bits)) - (1 << f.bits - 1) * f.signed for f in fields}


@pytest.mark.parametrize(
    ("layout", "fields"),
    [
        (BLOCK_INDEX_LAYOUT, ENTRIES[Memory.BLOCK_INDEX].fields),
        (TAP_LAYOUT, ENTRIES[Memory.TAP].fields),
        (CHANNEL_LAYOUT, CHANNEL_FIELDS),
    ],
    ids=["block_index", "tap", "channel"],
)
def test_layouts_place_fields_as_golden_packs_them(layout: StructLayout, fields: tuple[Field, ...]):
    rng = np.random.default_rng(0)
    for _ in range(20):
        values = random_values(fields, rng)
        assert layout.const(values).as_bits() == pack_fields(fields, values)
    assert layout.size == sum(field.bits for field in fields)


@presets
def test_counts_fit_their_fields(config: CoreConfig):
    """Every place in the array, and every kept channel slot, has a number in the layouts."""
    beat, drain = beat_layout(config), drain_layout(config)
    assert 1 << beat["n"].width >= config.m
    assert 1 << beat["depth"].width == 1 << drain["depth"].width == config.tile_depth
    assert 1 << beat["part"].width >= config.word_channels // config.rows
    assert 1 << drain["col"].width == config.cols
    assert beat["slot"].width == drain["slot"].width == channel_bus_layout(config)["slot"].width
    bus = weight_bus_layout(config)
    assert 1 << bus["group"].width >= config.load_beats
    assert bus["data"].width == config.load_rows * config.lanes * config.slot_bits
    assert channel_bus_layout(config)["data"].width == config.load_rows * CHANNEL_LAYOUT.size


@presets
def test_places_in_the_activation_memory_fit_their_fields(config: CoreConfig):
    assert 1 << row_bits(config) + bank_bits(config) == 1 << position_bits(config) == config.smem_words
    assert 1 << ring_layout(config)["row"].width == config.bank_depth
    output = output_layout(config)
    assert output["valid"].width == config.cols
    assert output["part"].width * config.rows == config.word_channels
    assert output["data"].width == 8 * config.rows * config.cols

"""Layouts of the core agree with golden's declaration of registers and memory words."""

import numpy as np
import pytest

from crisp_golden.config import PRESETS, CoreConfig
from crisp_golden.job import CHANNEL_BITS, CHANNEL_FIELDS, Field, job_fields, pack_fields, tap_fields
from crisp_hw.layouts import (
    CHANNEL_LAYOUT,
    beat_layout,
    channel_bus_layout,
    drain_layout,
    job_layout,
    tap_layout,
    weight_bus_layout,
    window_layout,
)

presets = pytest.mark.parametrize("config", PRESETS.values(), ids=PRESETS)


def random_values(fields: tuple[Field, ...], rng: np.random.Generator) -> dict[str, int]:
    """A legal value of every field."""
    return {f.name: int(rng.integers(1 << f.bits)) - (1 << f.bits - 1) * f.signed for f in fields}


@presets
def test_layouts_place_fields_as_golden_packs_them(config: CoreConfig):
    rng = np.random.default_rng(0)
    declared = [
        (job_layout(config), job_fields(config)),
        (tap_layout(config), tap_fields(config)),
        (CHANNEL_LAYOUT, CHANNEL_FIELDS),
    ]
    for layout, fields in declared:
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
    assert 1 << beat["part"].width >= config.window // config.rows
    assert 1 << drain["col"].width == config.cols
    assert beat["slot"].width == drain["slot"].width == channel_bus_layout(config)["slot"].width
    bus = weight_bus_layout(config)
    assert 1 << bus["group"].width >= config.load_beats
    assert bus["data"].width == config.weight_word_bits
    assert channel_bus_layout(config)["data"].width == config.load_rows * CHANNEL_BITS
    assert 1 << window_layout(config)["base"].width == config.smem_words

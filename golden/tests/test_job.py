"""Fields of registers and memory words: limits, encodings and bit positions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crisp_golden.config import PRESETS, CoreConfig, preset
from crisp_golden.errors import LayerError
from crisp_golden.job import (
    CHANNEL_BITS,
    CHANNEL_FIELDS,
    INDEX_FIELDS,
    Field,
    channel_word_bits,
    host_data_bits,
    job_fields,
    pack_fields,
    tap_fields,
)
from crisp_golden.packing import pack_layer
from golden.tests.job_executor import decode_channel, decode_tap
from golden.tests.random_core_layers import ConvShape, random_layer


@pytest.mark.parametrize(
    ("signed", "value", "pattern"),
    [(False, 0, 0), (False, 255, 255), (True, -128, 128), (True, -1, 255), (True, 127, 127)],
)
def test_a_field_encodes_its_whole_range(signed: bool, value: int, pattern: int):
    assert Field("level", 8, signed, "").encode(value) == pattern


@pytest.mark.parametrize(
    ("signed", "value", "low", "high"),
    [(False, -1, 0, 255), (False, 256, 0, 255), (True, -129, -128, 127), (True, 128, -128, 127)],
)
def test_a_field_refuses_what_it_cannot_hold(signed: bool, value: int, low: int, high: int):
    with pytest.raises(LayerError) as caught:
        Field("level", 8, signed, "").encode(value)
    assert str(caught.value) == f"`level` must be from {low} to {high}, not {value}"


def test_pack_fields_refuses_a_value_that_would_spill_into_its_neighbour():
    with pytest.raises(LayerError, match=r"^`index` must be from 0 to 32767, not 32768$"):
        pack_fields(INDEX_FIELDS, {"index": 1 << 15, "last": 0})


@settings(derandomize=True)
@given(
    bias=st.integers(-(1 << 31), (1 << 31) - 1),
    multiplier=st.integers(0, (1 << 16) - 1),
    shift=st.integers(0, 47),
    res_multiplier=st.integers(0, (1 << 16) - 1),
    res_shift=st.integers(0, 15),
)
def test_channel_words_come_apart_as_they_were_packed(**values: int):
    assert vars(decode_channel(pack_fields(CHANNEL_FIELDS, values))) == values


@settings(derandomize=True)
@given(offset=st.integers(0, 2047), coordinates=st.tuples(*[st.integers(0, 1023)] * 4))
def test_tap_words_come_apart_as_they_were_packed(offset: int, coordinates: tuple[int, ...]):
    names = ("y_low", "y_high", "x_low", "x_high")
    values = {"offset": offset, **dict(zip(names, coordinates, strict=True))}
    config = preset("tiny")
    assert vars(decode_tap(config, pack_fields(tap_fields(config), values))) == values


def test_index_words_have_their_flag_on_top():
    assert pack_fields(INDEX_FIELDS, {"index": 5, "last": 1}) == 0x8005


@pytest.mark.parametrize("config", PRESETS.values(), ids=PRESETS)
def test_field_names_are_unique_and_addresses_fit(config: CoreConfig):
    fields = job_fields(config)
    assert len({field.name for field in fields}) == len(fields)
    widths = {field.name: field.bits for field in (*fields, *tap_fields(config))}
    for name in ("act_base", "act_plane", "out_base", "out_plane", "res_base", "res_plane", "offset"):
        assert 1 << widths[name] == config.smem_words
    for name in ("depth_full", "depth_last"):
        assert 1 << widths[name] > config.tile_depth


@pytest.mark.parametrize("config", PRESETS.values(), ids=PRESETS)
def test_the_host_port_holds_every_word_in_whole_32_bit_words(config: CoreConfig):
    width = host_data_bits(config)
    assert width % 32 == 0
    words = (
        config.window_bits,
        config.weight_word_bits,
        channel_word_bits(config),
        *(field.bits for field in job_fields(config)),
        sum(field.bits for field in tap_fields(config)),
        sum(field.bits for field in INDEX_FIELDS),
    )
    assert max(words) <= width < max(words) + 32


def test_channel_words_hold_load_rows_channels():
    assert CHANNEL_BITS == 32 + 16 + 6 + 16 + 4
    assert channel_word_bits(preset("large")) == 4 * 74


@pytest.mark.parametrize("config", PRESETS.values(), ids=PRESETS)
def test_a_packed_job_has_exactly_the_registers_and_each_fits(config: CoreConfig):
    layer = random_layer(np.random.default_rng(0), ConvShape(channels_per_group=40, outputs_per_group=40))
    for job in pack_layer(config, layer, 9, 9):
        fields = job_fields(config)
        assert set(job.registers) == {field.name for field in fields}
        for field in fields:
            assert 0 <= field.encode(job.registers[field.name]) < 1 << field.bits

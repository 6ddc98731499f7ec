"""Limits and derived sizes of the core configuration, and the presets."""

from typing import Any

import pytest

from crisp_spec.config import PRESETS, CoreConfig, preset
from crisp_spec.errors import ConfigError

LEGAL: dict[str, Any] = {"rows": 4, "cols": 4, "lanes": 4, "smem_words": 256, "weight_words": 256}


@pytest.mark.parametrize(
    "name", [*LEGAL, "m", "tile_depth", "load_rows", "index_words", "channel_words", "tap_words"]
)
@pytest.mark.parametrize("value", [0, -4, 3, 12, 4.0, "4", None])
def test_every_field_must_be_a_power_of_two(name: str, value: Any):
    with pytest.raises(ConfigError) as caught:
        CoreConfig(**LEGAL | {name: value})
    assert str(caught.value) == f"`{name}` must be a positive power of 2, not {value!r}"


@pytest.mark.parametrize(
    ("name", "value", "low", "high"),
    [
        ("m", 16, 1, 8),
        ("cols", 1, 2, 64),
        ("cols", 128, 2, 64),
        ("rows", 1, 2, 16),
        ("rows", 32, 2, 16),
        ("lanes", 32, 1, 16),
        ("tile_depth", 1, 2, 64),
        ("tile_depth", 128, 2, 64),
        ("load_rows", 4, 1, 2),
        ("smem_words", 8, 16, 1 << 20),
        ("smem_words", 1 << 21, 16, 1 << 20),
        ("weight_words", 8, 16, 1 << 20),
        ("weight_words", 1 << 21, 16, 1 << 20),
        ("index_words", 8, 16, 1 << 15),
        ("index_words", 1 << 16, 16, 1 << 15),
        ("channel_words", 4, 8, 1 << 14),
        ("channel_words", 1 << 15, 8, 1 << 14),
        ("tap_words", 4, 8, 1 << 12),
        ("tap_words", 1 << 13, 8, 1 << 12),
        ("drain_cols", 8, 1, 4),
        ("bus_bits", 16, 32, 128),
        ("bus_bits", 256, 32, 128),
    ],
)
def test_every_field_has_limits(name: str, value: int, low: int, high: int):
    with pytest.raises(ConfigError) as caught:
        CoreConfig(**LEGAL | {name: value})
    assert str(caught.value) == f"`{name}` must be from {low} to {high}, not {value}"


@pytest.mark.parametrize(
    ("name", "macs", "smem_kib"),
    [("tiny", 8, 16), ("small", 64, 64), ("ulx3s", 128, 128), ("edge", 256, 256), ("large", 1024, 1024)],
)
def test_presets_have_the_size_they_are_named_for(name: str, macs: int, smem_kib: int):
    config = preset(name)
    assert config.macs == macs
    assert config.smem_bytes == smem_kib << 10


def test_no_preset_is_untested():
    assert list(PRESETS) == ["tiny", "small", "ulx3s", "edge", "large"]


def test_an_unknown_preset_is_refused_with_the_list_of_presets():
    with pytest.raises(ConfigError) as caught:
        preset("huge")
    assert str(caught.value) == "no preset 'huge'; expected one of tiny, small, ulx3s, edge, large"


def test_derived_sizes_of_a_worked_example():
    config = CoreConfig(**LEGAL | {"rows": 8, "m": 8, "load_rows": 2})
    assert config.macs == 8 * 4 * 4
    assert config.word_channels == 32
    assert config.word_bits == 256
    assert config.group_bits == 3
    assert config.slot_bits == 11
    assert config.load_beats == 4
    assert config.bank_depth == 64
    assert config.smem_bytes == 256 * 32


@pytest.mark.parametrize(("m", "bits"), [(1, 0), (2, 1), (4, 2), (8, 3)])
def test_group_index_bits_are_the_logarithm_of_m(m: int, bits: int):
    config = CoreConfig(**LEGAL | {"m": m, "lanes": 16})
    assert (config.group_bits, config.slot_bits) == (bits, 8 + bits)

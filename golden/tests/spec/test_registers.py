"""The register map: no two registers in one place, and what segments can be."""

import pytest

from crisp_spec.registers import SEGMENT_ALIGNMENT, reachable_bytes, register_map

REGISTERS = {register.name: register for register in register_map()}
TOP = 1 << 64


def test_registers_have_offsets_of_their_own_and_fit_into_32_bits():
    offsets = [register.offset for register in register_map()]
    assert offsets == sorted(set(offsets))
    assert all(offset % 4 == 0 for offset in offsets)
    assert all(sum(field.bits for field in register.fields) <= 32 for register in register_map())


@pytest.mark.parametrize(
    ("name", "mask"),
    [
        ("status", 0xFF07),
        ("interrupt_enable", 3),
        ("watchdog", 0xFFFF_FFFF),
        *((f"segment_{number}_base_low", 0xFFFF_F000) for number in range(4)),
        *((f"segment_{number}_base_high", 0xFFFF_FFFF) for number in range(4)),
    ],
)
def test_reserved_bits_are_always_0(name, mask):
    assert REGISTERS[name].mask == mask


@pytest.mark.parametrize(
    ("base", "size", "reachable"),
    [
        (0, 0xFFFF_FFFF, 0xFFFF_FFFF),
        (TOP - SEGMENT_ALIGNMENT, SEGMENT_ALIGNMENT, SEGMENT_ALIGNMENT),
        (TOP - SEGMENT_ALIGNMENT, SEGMENT_ALIGNMENT + 1, SEGMENT_ALIGNMENT),
        (TOP - (1 << 32), 0xFFFF_FFFF, 0xFFFF_FFFF),
    ],
)
def test_no_segment_reaches_beyond_the_address_space(base, size, reachable):
    assert reachable_bytes(base, size) == reachable

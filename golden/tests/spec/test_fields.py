"""Bit fields: ranges, packing, and offsets that respect 32-bit words."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crisp_spec.errors import LayerError
from crisp_spec.fields import Field, pack_fields, unpack_fields, word_offsets

UNSIGNED, SIGNED = Field("u", 5, False, ""), Field("s", 8, True, "")


@pytest.mark.parametrize(
    ("field", "value", "pattern"),
    [(UNSIGNED, 0, 0), (UNSIGNED, 31, 31), (SIGNED, -128, 128), (SIGNED, -1, 255), (SIGNED, 127, 127)],
)
def test_a_field_encodes_its_whole_range_and_decodes_it(field: Field, value: int, pattern: int):
    assert field.encode(value) == pattern
    assert field.decode(pattern | 1 << 20) == value


@pytest.mark.parametrize(
    ("field", "value", "limits"),
    [(UNSIGNED, 32, "0 to 31"), (UNSIGNED, -1, "0 to 31"), (SIGNED, 128, "-128 to 127")],
)
def test_a_field_refuses_what_it_cannot_hold(field: Field, value: int, limits: str):
    with pytest.raises(LayerError) as caught:
        field.encode(value)
    assert str(caught.value) == f"`{field.name}` must be from {limits}, not {value}"


@settings(derandomize=True)
@given(u=st.integers(0, 31), s=st.integers(-128, 127))
def test_packed_fields_come_apart_again(u: int, s: int):
    word = pack_fields((UNSIGNED, SIGNED), {"u": u, "s": s})
    assert word == u | (s & 255) << 5
    assert unpack_fields((UNSIGNED, SIGNED), word) == {"u": u, "s": s}


def test_no_field_crosses_a_word():
    fields = [
        Field(name, bits, False, "") for name, bits in (("a", 20), ("b", 12), ("c", 30), ("d", 3), ("e", 32))
    ]
    assert word_offsets(fields) == {"a": 0, "b": 20, "c": 32, "d": 64, "e": 96}

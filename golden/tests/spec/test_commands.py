"""Commands survive encoding, and what is not a command is not decoded."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crisp_spec.commands import (
    COMMAND_BITS,
    COMMAND_BYTES,
    FORMATS,
    Command,
    Opcode,
    decode_command,
)
from crisp_spec.errors import LayerError
from crisp_spec.fields import word_offsets


@st.composite
def commands(draw: st.DrawFn) -> Command:
    """Any command with any values."""
    opcode = draw(st.sampled_from(Opcode))
    return Command(opcode, {field.name: draw(st.integers(*field.limits)) for field in FORMATS[opcode][1:]})


@settings(max_examples=200, derandomize=True)
@given(command=commands())
def test_a_command_survives_encoding(command: Command):
    data = command.encode()
    assert len(data) == COMMAND_BYTES
    assert decode_command(data) == command


@pytest.mark.parametrize("opcode", [0, 8, 15])
def test_unknown_opcodes_are_illegal(opcode: int):
    assert decode_command(bytes([opcode, *bytes(COMMAND_BYTES - 1)])) is None


@pytest.mark.parametrize("opcode", Opcode)
def test_every_bit_outside_the_fields_is_checked(opcode: Opcode):
    fields = FORMATS[opcode]
    offsets = word_offsets(fields)
    inside = {offsets[field.name] + bit for field in fields for bit in range(field.bits)}
    for bit in set(range(COMMAND_BITS)) - inside:
        word = int.from_bytes(Command(opcode, {}).encode(), "little") | 1 << bit
        assert decode_command(word.to_bytes(COMMAND_BYTES, "little")) is None, bit


def test_a_field_of_another_command_is_refused():
    with pytest.raises(LayerError, match=r"^STORE has no field `memory`$"):
        Command(Opcode.STORE, {"memory": 1}).encode()


def test_a_value_that_does_not_fit_is_refused():
    with pytest.raises(LayerError, match=r"^`rows` must be from 0 to 1023, not 1024$"):
        Command(Opcode.LOAD, {"rows": 1024}).encode()


def test_worked_example():
    """The opcode lies in bits 0 to 3, the segment of a load in bits 12 and 13, its offset in word 1."""
    data = Command(Opcode.LOAD, {"segment": 2, "offset": 0x12345678, "signal_execute": 1}).encode()
    assert data[:8] == (1 | 1 << 6 | 2 << 12).to_bytes(4, "little") + (0x12345678).to_bytes(4, "little")
    assert not any(data[8:])

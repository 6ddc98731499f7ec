"""Protocol buffers as trees: every message a list of its fields.

A field is a dict of one entry: number and wire type as a key such as ``7:2``, and an int, text, bytes, or the
fields of a message.
"""

from collections.abc import Callable
from typing import Any

from fuzz.formats.format import Format

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
FIXED = {FIXED64: 8, FIXED32: 4}


def protobuf(descriptor: Callable[[], Any]) -> Format:
    """The format of a message.

    Parameters
    ----------
    descriptor : returns the message's descriptor, which tells nested messages from texts and bytes.
    """
    return Format(lambda data: _read(data, descriptor()), _write)


def _read(data: bytes, descriptor: Any) -> list[Any]:
    found, start = [], 0
    while start < len(data):
        tag, start = _read_varint(data, start)
        number, wire = tag >> 3, tag & 7
        size = FIXED.get(wire, 0)
        value: Any
        if wire == VARINT:
            value, start = _read_varint(data, start)
        else:
            if wire == BYTES:
                size, start = _read_varint(data, start)
            value, start = data[start : start + size], start + size
        field = descriptor.fields_by_number.get(number)
        if wire == BYTES and field is not None and field.message_type is not None:
            value = _read(value, field.message_type)
        elif wire == BYTES and field is not None and field.type == field.TYPE_STRING:
            value = value.decode()
        found.append({f"{number}:{wire}": value})
    return found


def _read_varint(data: bytes, start: int) -> tuple[int, int]:
    value, shift = 0, 0
    while True:
        byte = data[start]
        value |= (byte & 0x7F) << shift
        start, shift = start + 1, shift + 7
        if byte < 0x80:
            return value, start


def _write(tree: Any) -> bytes:
    return b"".join(_write_field(key, value) for field in tree for key, value in field.items())


def _write_field(key: str, value: Any) -> bytes:
    """A field, of another wire type where the value is of another kind."""
    number, wire = map(int, key.split(":"))
    if isinstance(value, int):
        return _varint(number << 3 | VARINT) + _varint(value)
    if isinstance(value, str):
        value = value.encode(errors="surrogatepass")
    content = _write(value) if isinstance(value, list) else value
    if FIXED.get(wire) == len(content):
        return _varint(number << 3 | wire) + content
    return _varint(number << 3 | BYTES) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    """Of 64 bits, as negative numbers are in two's complement."""
    value %= 1 << 64
    found = bytearray()
    while value >= 0x80:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes((*found, value))

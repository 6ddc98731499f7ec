"""Files of parts behind a header: safetensors, program images, packed weights, IDX and PNG."""

import gzip
import json
import math
import struct
import zlib
from collections.abc import Sequence
from typing import Any

from crisp_golden.format.bit_packing import packed_size
from crisp_golden.format.hybrid_bytes import CHECKSUM, HEADER, index_bits
from crisp_golden.format.weight_matrix import block_grid
from crisp_golden.machine import program_image as image
from crisp_spec.commands import COMMAND_BYTES, FORMATS, Command, Opcode, decode_command
from fuzz.formats.format import Format

MOST_BYTES = 1 << 20
"""Of an array in an input."""

_METADATA = "__metadata__"
_BITS = {
    **{"BOOL": 8, "U8": 8, "I8": 8, "F8_E5M2": 8, "F8_E4M3": 8, "I16": 16, "U16": 16, "F16": 16, "BF16": 16},
    **{"I32": 32, "U32": 32, "F32": 32, "I64": 64, "U64": 64, "F64": 64},
}
"""Of the elements of safetensors' types."""

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def _read_safetensors(data: bytes) -> dict[str, Any]:
    length = int.from_bytes(data[:8], "little")
    header, values = json.loads(data[8 : 8 + length]), data[8 + length :]
    notes = {key: json.loads(text) for key, text in header.pop(_METADATA, {}).items()}
    tensors = {
        name: {**entry, "data": values[slice(*entry.pop("data_offsets"))]} for name, entry in header.items()
    }
    return {"notes": notes, "tensors": tensors}


def _write_safetensors(tree: Any) -> bytes:
    """Notes are JSON within the JSON of the header; values are as many as type and shape ask for."""
    header: dict[str, Any] = {_METADATA: {key: json.dumps(value) for key, value in tree["notes"].items()}}
    values = b""
    for name, tensor in tree["tensors"].items():
        data = _resized(tensor["data"], _size(tensor))
        described = {key: value for key, value in tensor.items() if key != "data"}
        header[name] = {**described, "data_offsets": [len(values), len(values) + len(data)]}
        values += data
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + values


def _size(tensor: Any) -> int:
    """Bytes that type and shape ask for, where they make sense."""
    shape, bits = tensor["shape"], _BITS.get(tensor["dtype"])
    if bits is None or not all(isinstance(size, int) for size in shape):
        return len(tensor["data"])
    return math.prod(shape) * bits // 8


def _resized(data: bytes, size: int) -> bytes:
    """Cut or filled with zeros, unless that makes it larger than inputs need to be."""
    return data[:size] + bytes(size - len(data)) if 0 <= size <= MOST_BYTES else data


def _read_image(data: bytes) -> dict[str, Any]:
    magic, version, commands, text_length, _, _ = image.HEADER.unpack_from(data)
    contents = data[image.HEADER.size + text_length :]
    parts = [
        contents[start : start + COMMAND_BYTES] for start in range(0, commands * COMMAND_BYTES, COMMAND_BYTES)
    ]
    decoded = [command for part in parts if (command := decode_command(part))]
    return {
        "magic": magic,
        "version": version,
        "commands": commands,
        "text": json.loads(data[image.HEADER.size :][:text_length]),
        "program": [{"opcode": int(command.opcode), **command.fields} for command in decoded],
        "parameters": contents[commands * COMMAND_BYTES :],
    }


def _write_image(tree: Any) -> bytes:
    text = json.dumps(tree["text"]).encode()
    contents = b"".join(map(_write_command, tree["program"])) + tree["parameters"]
    header = tree["magic"], tree["version"], tree["commands"], len(text), len(contents)
    checksum = zlib.crc32(image.HEADER.pack(*header, 0) + text + contents)
    return image.HEADER.pack(*header, checksum) + text + contents


def _write_command(values: Any) -> bytes:
    """A command with the fields that its opcode has, cut to their bits."""
    opcode = Opcode(values["opcode"])
    known = {field.name: field for field in FORMATS[opcode][1:]}
    kept = {name: field.decode(int(values.get(name, 0))) for name, field in known.items()}
    return Command(opcode, kept).encode()


def _read_hybrid(data: bytes) -> dict[str, Any]:
    fields = HEADER.unpack_from(data)
    body = data[HEADER.size : -CHECKSUM.size]
    sizes = _section_sizes(fields)
    starts = [sum(sizes[:number]) for number in range(len(sizes))]
    sections = [body[start : start + size] for start, size in zip(starts, sizes, strict=True)]
    return {"fields": list(fields), "sections": sections}


def _write_hybrid(tree: Any) -> bytes:
    """Sections have the sizes that the header asks for."""
    header = HEADER.pack(*tree["fields"])
    sections = zip(tree["sections"], _section_sizes(tree["fields"]), strict=True)
    body = header + b"".join(_resized(data, size) for data, size in sections)
    return body + CHECKSUM.pack(zlib.crc32(body))


def _section_sizes(fields: Sequence[int]) -> tuple[int, int, int]:
    """Bytes of the block indices, values and group indices."""
    _, _, n, m, _, block, *shape, kept = fields
    rows, columns = block_grid((shape[0], shape[1], shape[2], shape[3]), block)
    slots = rows * kept * block * (block // m) * n
    return packed_size(rows * kept, index_bits(columns)), slots, packed_size(slots, index_bits(m))


def _read_idx(data: bytes) -> dict[str, Any]:
    content = gzip.decompress(data)
    axes = content[3]
    return {
        "zeros": content[:2],
        "type": content[2],
        "axes": axes,
        "sizes": list(struct.unpack_from(f">{axes}I", content, 4)),
        "data": content[4 + 4 * axes :],
    }


def _write_idx(tree: Any) -> bytes:
    header = tree["zeros"] + bytes((tree["type"], tree["axes"]))
    sizes = struct.pack(f">{len(tree['sizes'])}I", *tree["sizes"])
    return gzip.compress(header + sizes + tree["data"], 1, mtime=0)


def _read_png(data: bytes) -> list[Any]:
    chunks, start = [], len(_PNG_SIGNATURE)
    while start < len(data):
        length, kind = struct.unpack_from(">I4s", data, start)
        chunks.append({"kind": kind, "data": data[start + 8 : start + 8 + length]})
        start += 12 + length
    return chunks


def _write_png(tree: Any) -> bytes:
    parts = [(chunk["kind"], chunk["data"]) for chunk in tree]
    return _PNG_SIGNATURE + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in parts
    )


SAFETENSORS = Format(_read_safetensors, _write_safetensors)
PROGRAM_IMAGE = Format(_read_image, _write_image)
HYBRID = Format(_read_hybrid, _write_hybrid)
IDX = Format(_read_idx, _write_idx)
PNG = Format(_read_png, _write_png)

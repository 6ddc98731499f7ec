"""C header and documentation page of registers and commands, from their declaration in ``crisp_spec``.

``crisp write-page registers`` writes the page. The C header comes with the accelerator's Verilog, see
``crisp verilog``.
"""

import ast
import inspect
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

from crisp_files.atomic_files import write_text
from crisp_spec.commands import COMMAND_BYTES, FORMATS, TOKEN_LIMIT, Memory, Opcode
from crisp_spec.error_codes import ErrorCode
from crisp_spec.fields import WORD_BITS, Field, word_offsets
from crisp_spec.registers import MAGIC, RESERVED, VERSION, Register, register_map

PREFIX = "CRISP"
HEADER_NAME = "crisp_stc.h"

PAGE_HEAD = """\
# Registers and commands

Written by `crisp write-page registers` from `crisp_spec`; edit the declaration there.

All registers have 32 bits and lie at byte offsets in the AXI4-Lite port's address space. `ro`: read only;
`rw`: read and write; `wo`: a write acts, a read gives 0; `w1c`: writing 1 clears a bit. Addresses without a
register answer with an error.
"""


def error_texts() -> dict[ErrorCode, str]:
    """What every error code means: the text below it where it is declared."""
    (declaration,) = ast.parse(inspect.getsource(ErrorCode)).body
    assert isinstance(declaration, ast.ClassDef)
    texts = {ErrorCode.NONE: "No error."}
    for pair in pairwise(declaration.body):
        match pair:
            case ast.Assign(targets=[ast.Name(id=name)]), ast.Expr(value=ast.Constant(value=str(text))):
                texts[ErrorCode[name]] = text
    return texts


def c_header() -> str:
    """The C header.

    Register offsets, masks and shifts of fields, the values of ``id`` and ``version``, opcodes, memories and
    error codes, and places of command fields.
    """
    lines = ["/* Written by crisp_hw.build.register_export; edit crisp_spec instead. */"]
    lines += ["#ifndef CRISP_STC_H", "#define CRISP_STC_H", ""]
    for register in register_map():
        name = f"{PREFIX}_{register.name.upper()}"
        lines.append(_define(name, f"0x{register.offset:03x}u", register.doc))
        lines += _field_defines(name, _packed(register.fields))
    lines += ["", _define(f"{PREFIX}_ID_VALUE", f"0x{MAGIC:08x}u", "what the register id reads")]
    lines.append(_define(f"{PREFIX}_VERSION_VALUE", f"{VERSION}u", "what version reads: of this header"))
    lines += ["", _define(f"{PREFIX}_COMMAND_BYTES", f"{COMMAND_BYTES}u", "bytes of every command")]
    lines.append(_define(f"{PREFIX}_TOKEN_LIMIT", f"{TOKEN_LIMIT}u", "most tokens between two engines"))
    for enumeration, prefix in ((Opcode, "OPCODE"), (Memory, "MEMORY")):
        lines.append("")
        lines += [_define(f"{PREFIX}_{prefix}_{item.name}", f"{item.value}u") for item in enumeration]
    lines.append("")
    for code, text in error_texts().items():
        lines.append(_define(f"{PREFIX}_ERROR_{code.name}", f"{code.value}u", text))
    for opcode, fields in FORMATS.items():
        lines += ["", f"/* Fields of {opcode.name}: 32-bit word, shift within it, bits. */"]
        for field, offset in zip(fields, word_offsets(fields).values(), strict=True):
            name = f"{PREFIX}_{opcode.name}_{field.name.upper()}"
            lines.append(_define(f"{name}_WORD", f"{offset // WORD_BITS}u", field.doc))
            lines.append(_define(f"{name}_SHIFT", f"{offset % WORD_BITS}u"))
            lines.append(_define(f"{name}_BITS", f"{field.bits}u"))
    return "\n".join([*lines, "", "#endif", ""])


def register_page() -> str:
    """The documentation page, in Markdown."""
    lines = [
        PAGE_HEAD,
        "## Registers",
        "",
        "| offset | name | access | bits | meaning |",
        "|---|---|---|---|---|",
    ]
    for register in register_map():
        lines += _register_rows(register)
    lines += ["", "## Error codes", "", *_table("code", "name", "meaning")]
    lines += [f"| {code.value} | `{code.name}` | {text} |" for code, text in error_texts().items()]
    lines += ["", "## Memories that a load fills", "", *_table("value", "memory")]
    lines += [f"| {memory.value} | `{memory.name}` |" for memory in Memory]
    lines += ["", "## Commands", "", f"A command has {COMMAND_BYTES} bytes; bits outside its fields are 0."]
    lines.append(f"At most {TOKEN_LIMIT} tokens, the `TOKEN_LIMIT`, lie between two engines.")
    for opcode, fields in FORMATS.items():
        lines += [
            "",
            f"### {opcode.name} ({opcode.value})",
            "",
            "| bits | field | meaning |",
            "|---|---|---|",
        ]
        for field, offset in zip(fields, word_offsets(fields).values(), strict=True):
            lines.append(f"| {_bits(offset, field)} | `{field.name}` | {_meaning(field)} |")
    return "\n".join([*lines, ""])


def write_header(path: Path) -> None:
    """Write the C header."""
    write_text(path, c_header())


def _table(*columns: str) -> list[str]:
    return [f"| {' | '.join(columns)} |", "|---" * len(columns) + "|"]


def _define(name: str, value: str, doc: str = "") -> str:
    return f"#define {name} {value}" + (f" /* {doc} */" if doc else "")


def _packed(fields: Sequence[Field]) -> Iterator[tuple[Field, int]]:
    """The fields of a register with the bits where they begin."""
    offset = 0
    for field in fields:
        yield field, offset
        offset += field.bits


def _field_defines(name: str, fields: Iterator[tuple[Field, int]]) -> Iterator[str]:
    for field, offset in fields:
        if field.bits < WORD_BITS and field.name != RESERVED:
            mask = ((1 << field.bits) - 1) << offset
            yield _define(f"{name}_{field.name.upper()}_MASK", f"0x{mask:08x}u", field.doc)
            yield _define(f"{name}_{field.name.upper()}_SHIFT", f"{offset}u")


def _register_rows(register: Register) -> Iterator[str]:
    head = f"| 0x{register.offset:03x} | `{register.name}` | {register.access} "
    for field, offset in _packed(register.fields):
        if field.name == RESERVED:
            continue
        meaning = field.doc if field.bits == WORD_BITS else f"`{field.name}`: {field.doc}"
        yield f"{head}| {_bits(offset, field)} | {meaning} |"
        head = "| | | "


def _bits(offset: int, field: Field) -> str:
    return f"{offset + field.bits - 1}:{offset}" if field.bits > 1 else str(offset)


def _meaning(field: Field) -> str:
    return f"{field.doc}; signed" if field.signed else field.doc

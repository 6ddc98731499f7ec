"""The documentation page is up to date, and a C program that uses the header agrees with the declaration."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from crisp_files.folders import in_checkout
from crisp_hw.build.register_export import (
    HEADER_NAME,
    c_header,
    error_texts,
    register_page,
    write_header,
)
from crisp_spec.commands import COMMAND_BYTES, FORMATS, TOKEN_LIMIT, Command, Memory, Opcode
from crisp_spec.error_codes import ErrorCode
from crisp_spec.fields import WORD_BITS, pack_fields
from crisp_spec.registers import MAGIC, VERSION, Register, register_map

PROGRAM = """\
#include "{header}"
#include "{header}"
#include <stdint.h>
#include <stdio.h>

uint32_t words[CRISP_COMMAND_BYTES / 4];

void put(unsigned word, unsigned shift, unsigned bits, int64_t value)
{{
    words[word] |= (uint32_t)(value & ((1ll << bits) - 1)) << shift;
}}

void show(void)
{{
    for (unsigned i = 0; i < CRISP_COMMAND_BYTES / 4; i++) {{
        printf("%08x", words[i]);
        words[i] = 0;
    }}
    puts("");
}}

int main(void)
{{
{statements}
    return 0;
}}
"""


def test_the_page_in_docs_is_up_to_date():
    assert in_checkout("docs/registers.md").read_text(encoding="utf-8") == register_page()


def test_every_error_code_is_explained():
    texts = error_texts()
    assert list(texts) == list(ErrorCode)
    assert texts[ErrorCode.WATCHDOG] == "The program ran for more cycles than the watchdog register allows."
    assert len(set(texts.values())) == len(ErrorCode)


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the header is; skips without a C compiler."""
    if shutil.which("cc") is None:
        pytest.skip("there is no C compiler")
    directory = tmp_path_factory.mktemp("header")
    write_header(directory / HEADER_NAME)
    return directory


def lines_of_program(directory: Path, statements: list[str]) -> list[str]:
    """What a C program prints that includes the header twice and consists of these statements."""
    source, program = directory / "program.c", directory / "program"
    source.write_text(PROGRAM.format(header=HEADER_NAME, statements="\n".join(statements)))
    subprocess.run(["cc", "-std=c99", "-Wall", "-Werror", "-o", str(program), str(source)], check=True)
    return subprocess.run([program], check=True, capture_output=True, text=True).stdout.splitlines()


def register_values(register: Register) -> Iterator[tuple[str, int]]:
    """The offset of a register, and mask and shift of its fields."""
    prefix = f"CRISP_{register.name.upper()}"
    yield prefix, register.offset
    zeros = {field.name: 0 for field in register.fields}
    for field in register.fields:
        if field.name != "reserved" and field.bits < WORD_BITS:
            place = pack_fields(register.fields, zeros | {field.name: 1})
            yield f"{prefix}_{field.name.upper()}_SHIFT", place.bit_length() - 1
            mask = pack_fields(register.fields, zeros | {field.name: field.limits[1]})
            yield f"{prefix}_{field.name.upper()}_MASK", mask


def declared() -> dict[str, int]:
    """Every constant that golden declares, by its name in C; the places of command fields excepted."""
    values = {"CRISP_ID_VALUE": MAGIC, "CRISP_VERSION_VALUE": VERSION}
    values |= {"CRISP_COMMAND_BYTES": COMMAND_BYTES, "CRISP_TOKEN_LIMIT": TOKEN_LIMIT}
    for register in register_map():
        values |= dict(register_values(register))
    for prefix, items in (("OPCODE", Opcode), ("MEMORY", Memory), ("ERROR", ErrorCode)):
        values |= {f"CRISP_{prefix}_{item.name}": item.value for item in items}
    return values


def test_c_reads_every_constant_as_declared(directory: Path):
    expected = declared()
    lines = lines_of_program(directory, [f'    printf("%u\\n", {name});' for name in expected])
    assert dict(zip(expected, map(int, lines), strict=True)) == expected


def test_the_header_has_no_other_constants():
    places = {
        f"CRISP_{opcode.name}_{field.name.upper()}_{kind}"
        for opcode, fields in FORMATS.items()
        for field in fields
        for kind in ("WORD", "SHIFT", "BITS")
    }
    names = re.findall(r"^#define (\w+) ", c_header(), flags=re.M)
    assert sorted(names) == sorted(places | declared().keys())


def test_c_packs_commands_as_golden_does(directory: Path):
    rng = np.random.default_rng(5)
    commands, statements = [], []
    for opcode, (first, *fields) in FORMATS.items():
        limits = {field.name: field.limits for field in fields}
        values = {name: int(rng.integers(low, high, endpoint=True)) for name, (low, high) in limits.items()}
        commands.append(Command(opcode, values).encode())
        for name, value in {first.name: int(opcode), **values}.items():
            place = ", ".join(
                f"CRISP_{opcode.name}_{name.upper()}_{kind}" for kind in ("WORD", "SHIFT", "BITS")
            )
            statements.append(f"    put({place}, {value}ll);")
        statements.append("    show();")
    packed = [
        b"".join(int(line[i : i + 8], 16).to_bytes(4, "little") for i in range(0, len(line), 8))
        for line in lines_of_program(directory, statements)
    ]
    assert packed == commands

"""The documentation page is up to date, and a C compiler agrees with the declaration."""

import re
import shutil
import subprocess

import pytest

from crisp_golden.fields import word_offsets
from crisp_golden.program.commands import FORMATS
from crisp_golden.program.errors import ErrorCode
from crisp_golden.program.registers import register_map
from crisp_hw.register_export import ERROR_TEXTS, PAGE, c_header, register_page, write_header


def test_the_page_in_docs_is_up_to_date():
    assert PAGE.read_text(encoding="utf-8") == register_page()


def test_every_error_code_is_explained():
    assert set(ERROR_TEXTS) == set(ErrorCode)


def header_values() -> dict[str, int]:
    found = re.findall(r"^#define (CRISP_\w+) (0x[0-9a-f]+|\d+)u", c_header(), flags=re.M)
    values = {name: int(value, 0) for name, value in found}
    assert len(values) == len(found)
    return values


def test_the_header_has_every_register_and_command_field():
    values = header_values()
    for register in register_map():
        assert values[f"CRISP_{register.name.upper()}"] == register.offset
    assert values["CRISP_STATUS_ERROR_MASK"] == 0xFF00
    assert values["CRISP_STATUS_ERROR_SHIFT"] == 8
    for opcode, fields in FORMATS.items():
        for name, offset in word_offsets(fields).items():
            prefix = f"CRISP_{opcode.name}_{name.upper()}"
            assert (values[f"{prefix}_WORD"], values[f"{prefix}_SHIFT"]) == divmod(offset, 32)


@pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler")
def test_the_header_compiles(tmp_path):
    write_header(tmp_path / "crisp_stc.h")
    source = tmp_path / "check.c"
    source.write_text(
        '#include "crisp_stc.h"\n#include "crisp_stc.h"\n'
        "int offset = CRISP_PROGRAM_OFFSET;\nint mask = CRISP_STATUS_BUSY_MASK << CRISP_STATUS_BUSY_SHIFT;\n"
    )
    command = ["cc", "-std=c99", "-Wall", "-Werror", "-c", str(source), "-o", str(tmp_path / "check.o")]
    subprocess.run(command, check=True)

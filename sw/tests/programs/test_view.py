"""Programs read back: commands decoded, damaged images refused, every command given to its layer."""

import struct
from dataclasses import replace

import pytest

from crisp_golden.machine.program_image import ImageError
from crisp_spec.commands import COMMAND_BYTES, Command, Opcode
from crisp_sw.programs.view import ProgramView, read_program
from sw.tests.small_programs import small_network, small_program


@pytest.mark.parametrize("keep", [False, True])
def test_every_command_but_the_end_works_for_a_layer(keep: bool):
    view = ProgramView(small_program(keep=keep))
    assert len(view.commands) == view.image.commands
    assert view.commands[-1].opcode is Opcode.END
    assert set(view.stage_of[:-1]) == {node.name for node in small_network().nodes}
    assert view.stage_of[-1] == ""


def test_stages_are_in_the_order_of_the_network():
    # Fused, a layer may begin before an earlier one has ended, but none overtakes another.
    view = ProgramView(small_program(fuse=False))
    assert view.stages == [node.name for node in small_network().nodes]


def test_stores_work_for_the_layer_that_they_store():
    view = ProgramView(small_program(keep=True))
    numbered = [i for i, command in enumerate(view.commands) if command.opcode is Opcode.STORE]
    assert {view.stage_of[i] for i in numbered} == {node.name for node in small_network().nodes}


def test_loads_of_tensors_work_for_a_reader():
    view = ProgramView(small_program(fuse=False))
    readers = {}
    for node in small_network().nodes:
        for name in node.inputs:
            readers.setdefault(name, set()).add(node.name)
    for number, command in enumerate(view.commands):
        if command.opcode is Opcode.LOAD and command["segment"] != 0:
            tensor = view.tensor(command)
            assert tensor is not None
            assert view.stage_of[number] in readers[tensor.name]


def test_rows_of_a_tensor_are_loaded_from_the_first_to_the_last():
    view = ProgramView(small_program())
    loads = [c for c in view.commands if c.opcode is Opcode.LOAD and view.tensor(c) == view.image.input]
    ranges = [view.rows(view.image.input, command) for command in loads]
    assert ranges[0][0] == 0
    assert max(last for _, last in ranges) == view.image.input.height


def test_an_illegal_command_is_named():
    image = small_program()
    contents = (
        image.contents[: 5 * COMMAND_BYTES] + bytes(COMMAND_BYTES) + image.contents[6 * COMMAND_BYTES :]
    )
    with pytest.raises(ImageError, match="command 5 of the program image is illegal"):
        ProgramView(replace(image, contents=contents))


def test_damaged_files_give_the_reason_with_the_name(tmp_path):
    path, data = tmp_path / "bad.crisp", small_program().to_bytes()
    path.write_bytes(data)
    assert read_program(path).image == small_program()
    size = len(data)
    (checksum,) = struct.unpack_from("<I", data, 32)
    damages = {
        "program image has 3 bytes, expected at least 64": b"abc",
        f"program image begins with {b'x' * 8}, expected b'CRISPRG1'": b"x" * size,
        f"program image has {size - 1} bytes, expected {size}": data[:-1],
        "program image has version 1, expected 2": data[:8] + struct.pack("<I", 1) + data[12:],
        rf"program image has checksum [0-9a-f]{{8}}, expected {checksum:08x}": data[:-1]
        + bytes([data[-1] ^ 1]),
    }
    for reason, damaged in damages.items():
        path.write_bytes(damaged)
        with pytest.raises(ImageError, match=rf"^{path}: {reason}$"):
            read_program(path)


def test_a_file_with_an_illegal_command_is_named(tmp_path):
    image, path = small_program(), tmp_path / "bad.crisp"
    path.write_bytes(
        replace(image, contents=bytes(COMMAND_BYTES) + image.contents[COMMAND_BYTES:]).to_bytes()
    )
    with pytest.raises(ImageError, match=rf"^{path}: command 0 of the program image is illegal$"):
        read_program(path)


def test_a_load_into_no_memory_is_illegal():
    image = small_program()
    number = next(n for n, command in enumerate(ProgramView(image).commands) if command.opcode is Opcode.LOAD)
    start = number * COMMAND_BYTES
    fields = {**ProgramView(image).commands[number].fields, "memory": 7}
    contents = image.contents[:start] + Command(Opcode.LOAD, fields).encode()
    contents += image.contents[start + COMMAND_BYTES :]
    message = rf"^command {number} of the program image is illegal: `memory` must be from 0 to 6, not 7$"
    with pytest.raises(ImageError, match=message):
        ProgramView(replace(image, contents=contents))

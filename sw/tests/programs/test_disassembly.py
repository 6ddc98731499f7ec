"""Programs in words."""

import json
import re

from crisp_spec.commands import Command, Opcode
from crisp_sw.programs.disassembly import disassemble, format_lines
from crisp_sw.programs.view import ProgramView
from sw.tests.small_programs import small_network, small_program


def test_one_line_for_every_command():
    view = ProgramView(small_program())
    lines = disassemble(view)
    assert [line.number for line in lines] == list(range(view.image.commands))
    assert len(format_lines(lines)) == len(lines)
    assert lines[-1].text == "end of the program"


def test_fields_give_the_command_back():
    view = ProgramView(small_program())
    for line, command in zip(disassemble(view), view.commands, strict=True):
        assert Command(Opcode[line.opcode], line.to_json()["fields"]).encode() == command.encode()


def test_tokens_are_those_of_the_flags():
    view = ProgramView(small_program())
    for line, command in zip(disassemble(view), view.commands, strict=True):
        assert all(command[f"wait_{name}"] for name in line.waits)
        assert all(command[f"signal_{name}"] for name in line.signals)
        assert line.tokens.count("<") + line.tokens.count(">") == sum(
            value for name, value in command.fields.items() if name.startswith(("wait_", "signal_"))
        )


def test_executes_compute_all_rows_of_all_layers():
    heights = {}
    for line in disassemble(ProgramView(small_program(fuse=False))):
        found = re.match(r"(\S+) rows? (\d+)(?:-(\d+))? x", line.text)
        if line.opcode == "EXECUTE" and found:
            last = int(found[3] or found[2]) + 1
            heights[line.stage] = max(heights.get(line.stage, 0), last)
            assert found[1] == line.stage
    assert set(heights) == {node.name for node in small_network().nodes}
    assert (heights["conv1"], heights["maxpool"], heights["layer4.1.conv2"], heights["fc"]) == (16, 8, 1, 1)


def test_transfers_say_rows_and_addresses():
    texts = [line.text for line in disassemble(ProgramView(small_program(keep=True)))]
    assert any(re.match(r"input rows? 0\S* x 16.* to SMEM \d+ .*, from input\+0x0$", text) for text in texts)
    assert any(re.match(r"conv1 rows? 0\S* x 16.* from SMEM \d+ .*, to scratch\+0x", text) for text in texts)
    assert any(re.match(r"weights of fc to word \d+, \d+ bytes from program\+0x", text) for text in texts)


def test_pooling_and_residuals_are_told_apart():
    texts: dict[str, list[str]] = {}
    for line in disassemble(ProgramView(small_program())):
        texts.setdefault(line.stage, []).append(line.text)
    assert any("maximum" in text for text in texts["maxpool"])
    assert any(" + " in text for text in texts["layer1.0.conv2"])
    assert not any(" + " in text for text in texts["layer1.0.conv1"])


def test_json_is_json():
    lines = disassemble(ProgramView(small_program()))
    assert json.loads(json.dumps([line.to_json() for line in lines]))[0]["opcode"] == "LOAD"

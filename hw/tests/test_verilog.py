# amaranth: UnusedElaboratable=no
"""Verilog and RTLIL of components: deterministic, readable, clean to the linter and to yosys."""

import re
from pathlib import Path

import pytest
from amaranth.hdl import Elaboratable, Module, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from crisp_hw import lint, verilog
from crisp_hw.cells import BlockRam, LutRam, Multiplier, Target
from crisp_hw.lint import LintError, lint_verilog
from crisp_hw.synth.tools import find_yosys, run_tool
from crisp_hw.verilog import write_rtlil, write_verilog


class Squares(wiring.Component):
    """Stores the squares of its input: one cell of each kind, two levels of hierarchy."""

    def __init__(self):
        super().__init__(
            {"value": In(signed(8)), "address": In(6), "store": In(1), "square": Out(16), "early": Out(16)}
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        m.submodules.multiplier = multiplier = Multiplier(signed(8), signed(8), target=Target.GENERIC)
        m.submodules.squares = squares = BlockRam(width=16, depth=64, target=Target.GENERIC)
        m.submodules.recent = recent = LutRam(width=16, depth=64)
        m.d.comb += [multiplier.a.eq(self.value), multiplier.b.eq(self.value)]
        for ram in (squares, recent):
            m.d.comb += [ram.write_en.eq(self.store), ram.write_addr.eq(self.address)]
            m.d.comb += [ram.write_data.eq(multiplier.p), ram.read_addr.eq(self.address)]
        m.d.comb += [
            squares.read_en.eq(1),
            self.square.eq(squares.read_data),
            self.early.eq(recent.read_data),
        ]
        return m


@pytest.fixture
def squares(tmp_path: Path) -> Path:
    return write_verilog(Squares(), "squares", tmp_path / "out" / "squares.v")


def test_the_same_component_gives_the_same_bytes(squares: Path, tmp_path: Path):
    again = write_verilog(Squares(), "squares", tmp_path / "again.v")
    assert again.read_bytes() == squares.read_bytes()
    assert (
        write_rtlil(Squares(), "squares", tmp_path / "1.il").read_bytes()
        == write_rtlil(Squares(), "squares", tmp_path / "2.il").read_bytes()
    )


def test_modules_and_ports_carry_the_names_of_the_source(squares: Path):
    text = squares.read_text()
    modules = re.findall(r"^module (\S+?)\((.*)\);", text, flags=re.M)
    assert [name for name, _ in modules] == [
        "squares",
        "squares__multiplier",
        "squares__recent",
        "squares__squares",
    ]
    assert set(modules[0][1].split(", ")) == {"value", "address", "store", "square", "early", "clk", "rst"}
    assert '(* ram_style = "block" *)' in text
    assert "(* lut_ram = 32'd1 *)" in text


def test_no_file_names_and_no_line_per_memory_word(squares: Path):
    text = squares.read_text()
    assert "src =" not in text
    assert ".py" not in text
    assert "memory[0]" not in text


def test_initial_words_that_are_not_zero_are_kept(tmp_path: Path):
    text = write_verilog(LutRam(width=8, depth=4, init=[0, 0xA5]), "table", tmp_path / "table.v").read_text()
    assert re.search(r"memory\[1\] = 8'ha5;", text)


def test_verilator_has_nothing_to_say(squares: Path):
    lint_verilog(squares)


def test_verilator_may_lie_in_a_folder_with_a_space_in_its_name(squares: Path, monkeypatch):
    odd = squares.parent / "my p\u00e4th"
    odd.symlink_to(lint.require_verilator())
    monkeypatch.setattr(lint, "require_verilator", lambda: odd)
    lint_verilog(squares)


def test_verilator_still_finds_what_is_not_waived(squares: Path):
    text = squares.read_text()
    squares.write_text(
        text.replace("endmodule", "wire undriven; assign square = {16{undriven}};\nendmodule", 1)
    )
    with pytest.raises(LintError, match="UNDRIVEN"):
        lint_verilog(squares)


def test_yosys_reads_verilog_and_rtlil(squares: Path):
    folder = squares.parent
    write_rtlil(Squares(), "squares", folder / "squares.il")
    for number, read in enumerate(("read_verilog squares.v", "read_rtlil squares.il")):
        script = [read, "hierarchy -check -top squares", "proc", "flatten", "opt_clean", "check -assert"]
        (folder / f"{number}.ys").write_text("\n".join([*script, "select -assert-count 1 t:$mul"]) + "\n")
        assert "Found and reported 0 problems." in run_tool(
            find_yosys(), [f"{number}.ys"], folder=folder, log="log"
        )


def test_nothing_is_left_behind_when_writing_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def fail(source, target):
        raise OSError("disk full")

    monkeypatch.setattr(verilog.os, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        write_verilog(Squares(), "squares", tmp_path / "squares.v")
    assert list(tmp_path.iterdir()) == []

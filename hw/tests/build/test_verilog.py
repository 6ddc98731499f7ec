# amaranth: UnusedElaboratable=no
"""Verilog and RTLIL of components: deterministic, readable, clean to the linter and to yosys."""

import re
from dataclasses import asdict, replace
from importlib.metadata import version
from pathlib import Path

import pytest
from amaranth.hdl import Elaboratable, Module, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from crisp_hw.accelerator import CrispStc
from crisp_hw.build import lint
from crisp_hw.build.fpga.tools import find_yosys, run_tool
from crisp_hw.build.lint import LintError, lint_verilog
from crisp_hw.build.readable.keywords import KEYWORDS
from crisp_hw.build.verilog import verilog_text, write_rtlil, write_verilog
from crisp_hw.cells import BlockRam, LutRam, Multiplier, Technology
from crisp_hw.core.core import CrispCore
from crisp_hw.parts.credit_counter import CreditCounter
from crisp_hw.parts.sharing import shared
from crisp_sim.simulators.verilog_top import top_ports
from crisp_spec.config import PRESETS


class Squares(wiring.Component):
    """Stores the squares of its input: one cell of each kind, two levels of hierarchy."""

    def __init__(self):
        super().__init__(
            {"value": In(signed(8)), "address": In(6), "store": In(1), "square": Out(16), "early": Out(16)}
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        m.submodules.multiplier = multiplier = Multiplier(signed(8), signed(8), technology=Technology.GENERIC)
        m.submodules.squares = squares = BlockRam(width=16, depth=64, technology=Technology.GENERIC)
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


PORTS = """
module squares (
  input clk,
  input rst,

  input [7:0] value,
  input [5:0] address,
  input store,
  output [15:0] square,
  output [15:0] early
);
"""


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
    assert re.findall(r"^module (\w+) \($", text, flags=re.M) == [
        "squares",
        "squares__multiplier",
        "squares__recent",
        "squares__squares",
    ]
    assert PORTS in text
    assert '(* ram_style = "block" *)' in text
    assert "(* lut_ram = 32'd1 *)" in text


def test_no_file_names_and_no_line_per_memory_word(squares: Path):
    text = squares.read_text()
    assert "src =" not in text
    assert ".py" not in text
    assert "memory[0]" not in text


def test_initial_words_that_are_not_zero_are_kept(tmp_path: Path):
    text = write_verilog(LutRam(width=8, depth=4, init=[0, 0xA5]), "words", tmp_path / "words.v").read_text()
    assert re.search(r"memory\[1\] = 8'ha5;", text)


@pytest.mark.parametrize("name", ["tiny", "small"])
def test_the_header_says_what_the_file_is_and_how_it_is_made(name: str):
    config = PRESETS[name]
    text = verilog_text(CrispCore(config), "some_core", command=f"crisp verilog --preset {name}")
    header = text.partition("\n\n")[0]
    assert header.startswith(f"// some_core, written by crisp-stc {version('crisp-stc')}\n")
    assert f"// by `crisp verilog --preset {name}`\n" in header
    assert "// SPDX-License-Identifier: Apache-2.0\n" in header
    values = [f"//   {key} = {value}\n" for key, value in asdict(config).items()]
    assert f"// Preset: {name}\n{''.join(values)}//\n// Technology: generic" in header
    own = replace(config, tile_depth=8)
    assert "// Preset: custom\n" in verilog_text(CrispCore(own), "own").partition("\n\n")[0]


@pytest.fixture(scope="module")
def accelerator() -> str:
    return verilog_text(CrispStc(PRESETS["tiny"]), "crisp_stc_tiny")


def test_names_are_plain_and_no_keywords(accelerator: str):
    code = re.sub(r"//.*", "", accelerator)
    assert "\\" not in code
    assert set(re.findall(r"\$\w+", code)) <= {"$signed"}
    declared = re.findall(
        r"^  (?:input|output|wire|reg) .*?(\w+)(?: \[\d+:0\])?(?: = .*)?[,;]?$", code, flags=re.M
    )
    assert len(declared) > 2000
    assert not KEYWORDS & set(declared)


def test_no_module_but_the_top_has_a_reset_that_it_does_not_use(accelerator: str):
    modules = re.findall(r"^module (\w+) \((.*?)^endmodule", accelerator, flags=re.S | re.M)
    assert [name for name, body in modules if len(re.findall(r"\brst\b", body)) == 1] == []


def test_ports_of_an_interface_stand_together_after_clock_and_reset(accelerator: str):
    header = accelerator.partition("module crisp_stc_tiny (\n")[2].partition(");")[0]
    groups = [re.findall(r"(\w+)(?: = \S+)?,?$", group, flags=re.M) for group in header.split("\n\n")]
    assert groups[0] == ["clk", "rst"]
    assert [group[0] for group in groups[1:]] == ["s_axil_awaddr", "m_axi_awid", "interrupt"]
    for group, prefix in zip(groups[1:3], ("s_axil_", "m_axi_"), strict=True):
        assert all(port.startswith(prefix) for port in group)


def test_a_register_is_one_process(squares: Path):
    text = write_verilog(CreditCounter(4), "counter", squares.parent / "counter.v").read_text()
    assert COUNTER in text
    assert text.count("always") == 2


COUNTER = """
  always @(posedge clk) begin
    if (give != take) count <= sum[2:0];
    if (rst) count <= 3'h0;
  end
"""


class Bits(wiring.Component):
    """One bit of a register, and of a wire, that changes with another, and one that does not."""

    def __init__(self):
        super().__init__({"value": In(2), "choose": In(1), "stored": Out(2), "chosen": Out(2)})

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        m.d.sync += self.stored[0].eq(self.value[0])
        m.d.comb += self.chosen[0].eq(self.value[0])
        with m.If(self.choose):
            m.d.sync += self.stored[1].eq(self.value[1])
            m.d.comb += self.chosen[1].eq(self.value[1])
        return m


def test_bits_that_are_driven_apart_are_all_there(tmp_path: Path):
    path = write_verilog(Bits(), "bits", tmp_path / "bits.v")
    lint_verilog(path)
    assert re.findall(r"((?:stored|chosen)\S*) <?= (.*);", path.read_text()) == [
        ("stored[0]", "value[0]"),
        ("stored[1]", "value[1]"),
        ("stored", "2'h0"),
        ("chosen[1]", "choose & value[1]"),
        ("chosen[0]", "value[0]"),
    ]


def test_a_design_is_not_called_by_a_word_of_verilog(tmp_path: Path):
    with pytest.raises(ValueError, match=r"^'table' is a keyword of Verilog$"):
        write_verilog(LutRam(width=8, depth=4), "table", tmp_path / "table.v")


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


FOREIGN = """\
module register_file(input clk, input [4:0] a, output reg [4:0] q);
  always @(posedge clk) q <= a;
endmodule
"""
"""Somebody else's module, called like one of ours."""

DESIGNS = (
    ("crisp_stc_tiny", lambda: CrispStc(PRESETS["tiny"])),
    ("crisp_core_tiny", lambda: CrispCore(PRESETS["tiny"])),
    ("crisp_stc_small", lambda: CrispStc(PRESETS["small"])),
)


def all_in_one(folder: Path) -> list[Path]:
    """Files of several designs, a foreign one, and a top module with an instance of each."""
    files = [write_verilog(make(), name, folder / f"{name}.v") for name, make in DESIGNS]
    files.append(folder / "foreign.v")
    files[-1].write_text(FOREIGN)
    ports, instances = ["input clk", "input [4:0] a", "output [4:0] q"], []
    for (name, _), path in zip(DESIGNS, files, strict=False):
        declared = top_ports(path.read_text(), name)
        ports += [f"{port.direction} {port.width} {name}_{port.name}" for port in declared]
        pins = ", ".join(f".{port.name} ({name}_{port.name})" for port in declared)
        instances.append(f"  {name} {name}_instance ({pins});\n")
    top = folder / "all_in_one.v"
    body = "".join([*instances, "  register_file foreign (.clk(clk), .a(a), .q(q));\n"])
    top.write_text(f"module all_in_one({', '.join(ports)});\n{body}endmodule\n")
    for file in (files[-1], top):
        waiver = f'lint_off -rule DECLFILENAME -file "*{file.name}"'
        file.with_suffix(".vlt").write_text(f"`verilator_config\n{waiver}\n")
    return [*files, top]


@pytest.mark.slow
def test_several_designs_and_a_foreign_module_can_be_read_together(tmp_path: Path):
    files = all_in_one(tmp_path)
    names = [name for file in files for name in re.findall(r"^module (\w+)", file.read_text(), flags=re.M)]
    assert len(set(names)) == len(names)
    for (top, _), file in zip(DESIGNS, files, strict=False):
        modules = re.findall(r"^module (\w+) \(", file.read_text(), flags=re.M)
        assert all(name == top or name.startswith(f"{top}__") for name in modules)
    lint_verilog(*files)
    read = [f"read_verilog {file.name}" for file in files]
    (tmp_path / "all.ys").write_text("\n".join([*read, "hierarchy -check -top all_in_one", "check"]) + "\n")
    log = run_tool(find_yosys(), ["all.ys"], folder=tmp_path, log="log")
    assert "Warning" not in log


class Ambiguous(wiring.Component):
    """A shared module, and a submodule in a place of the same name."""

    def __init__(self):
        super().__init__({})

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        ram = LutRam(width=8, depth=4)
        m.submodules.ram = shared(platform, ram)
        m.submodules[ram.module_name] = LutRam(width=8, depth=4)
        return m


def test_a_place_that_is_called_like_a_shared_module_is_refused(tmp_path: Path):
    with pytest.raises(ValueError, match="two modules are called 'top__lut_ram_8x4'"):
        write_verilog(Ambiguous(), "top", tmp_path / "top.v")

"""``crisp verilog``: what is written, and one clear line for every error."""

from pathlib import Path

import pytest

from sw.tests.cli.runner import crisp


@pytest.mark.parametrize(("top", "name"), [("core", "crisp_core"), ("accelerator", "crisp_stc")])
def test_what_is_written_passes_lint(top: str, name: str, tmp_path: Path):
    out = tmp_path / "out"
    result = crisp("verilog", "--preset", "tiny", "--top", top, "--out", out, "--lint")
    assert result.exit_code == 0, result.stderr
    path, header = out / f"{name}_tiny.v", out / "crisp_stc.h"
    written = [path, path.with_suffix(".vlt"), *([header] if top == "accelerator" else [])]
    assert result.stdout.split() == list(map(str, written))
    assert set(out.iterdir()) == set(written)
    text = path.read_text()
    assert f"\nmodule {name}_tiny (\n" in text
    assert f"\n// by `crisp verilog --preset tiny --top {top}`\n" in text


def test_the_header_names_the_file_of_a_core_of_own_sizes(tmp_path: Path):
    own = tmp_path / "mine.toml"
    own.write_text('preset = "tiny"\ntile_depth = 8\n')
    result = crisp("verilog", "--config", own, "--top", "core", "--out", tmp_path)
    assert result.exit_code == 0, result.stderr
    header = (tmp_path / "crisp_core_mine.v").read_text().partition("\n\n")[0]
    assert "\n// by `crisp verilog --config mine.toml --top core`\n" in header
    assert "\n// Preset: custom\n" in header
    assert "\n//   tile_depth = 8\n" in header


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path):
    (tmp_path / "file").touch()
    result = crisp("verilog", "--preset", "tiny", "--out", tmp_path / "file")
    assert result.exit_code == 2
    assert result.stderr == (
        f"error: {tmp_path}/file/crisp_stc_tiny.v: cannot be written (Not a directory)\n"
    )


def test_missing_verilator_is_found_before_the_design_is_elaborated(tmp_path: Path, monkeypatch):
    monkeypatch.setattr("crisp_hw.build.verilog.write_verilog", None)
    monkeypatch.setattr("crisp_hw.build.lint.util.find_spec", lambda name: None)
    result = crisp("verilog", "--preset", "tiny", "--out", tmp_path / "out", "--lint")
    assert result.exit_code == 2
    assert "verilator is missing: expected its Python package" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_warnings_are_a_check_that_failed(tmp_path: Path, monkeypatch):
    (tmp_path / "none.vlt").write_text("`verilator_config\n")
    monkeypatch.setattr("crisp_hw.build.verilog.WAIVERS", tmp_path / "none.vlt")
    result = crisp("verilog", "--preset", "tiny", "--out", tmp_path / "out", "--lint")
    assert result.exit_code == 1
    assert "crisp_stc_tiny.v does not pass verilator -Wall" in result.stderr

"""The generator's command line: results, and one clear line for every error."""

from pathlib import Path

import pytest

from crisp_hw.__main__ import main
from crisp_hw.build.fpga import dense_equivalent
from crisp_spec.config import preset
from crisp_spec.errors import ConfigError


@pytest.mark.parametrize(("top", "name"), [("core", "crisp_core"), ("accelerator", "crisp_stc")])
def test_verilog_writes_what_passes_lint(
    top: str, name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    out = str(tmp_path / "out")
    assert main(["verilog", "--preset", "tiny", "--top", top, "--out", out, "--lint"]) == 0
    path, header = tmp_path / "out" / f"{name}_tiny.v", tmp_path / "out" / "crisp_stc.h"
    written = [path, header] if top == "accelerator" else [path]
    assert capsys.readouterr().out.split() == list(map(str, written))
    assert set((tmp_path / "out").iterdir()) == set(written)
    assert f"\nmodule {name}_tiny(" in path.read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["verilog", "--preset", "huge"], "no preset 'huge'; expected one of tiny, small"),
        (["synth", "--preset", "huge"], "no preset 'huge'; expected one of tiny, small"),
        (["synth", "--board", "arty"], "no board 'arty'; expected one of ulx3s-85f"),
        (["synth", "--seeds", "0"], "`--seeds` must be at least 1, not 0"),
        (["synth", "--preset", "ulx3s", "--compare-dense"], "it needs `--top core`, not accelerator"),
        (["synth", "--preset", "edge", "--compare-dense"], "`rows` must be from 2 to 4, not 16"),
    ],
)
def test_a_bad_value_is_named_and_nothing_is_written(
    arguments: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    assert main([*arguments, "--out", str(tmp_path / "out")]) == 2
    assert message in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "file").touch()
    assert main(["verilog", "--preset", "tiny", "--out", str(tmp_path / "file")]) == 2
    assert capsys.readouterr().err == f"error: {tmp_path / 'file'}: File exists\n"


def test_a_command_is_required(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit, match="2"):
        main([])
    assert "COMMAND" in capsys.readouterr().err


def test_dense_equivalent_keeps_multipliers_and_memory():
    sparse = preset("small")
    dense = dense_equivalent(sparse)
    assert (dense.m, dense.macs, dense.smem_bytes) == (1, sparse.macs, sparse.smem_bytes)
    with pytest.raises(ConfigError, match="`rows` must be from 2 to 4, not 16"):
        dense_equivalent(preset("edge"))


def test_missing_verilator_is_found_before_the_design_is_elaborated(tmp_path: Path, monkeypatch, capsys):
    monkeypatch.setattr("crisp_hw.__main__.write_verilog", None)
    monkeypatch.setattr("crisp_hw.build.lint.util.find_spec", lambda name: None)
    assert main(["verilog", "--preset", "tiny", "--out", str(tmp_path), "--lint"]) == 1
    assert "verilator is missing" in capsys.readouterr().err

"""Places that make cannot name are reached by links, and models are built from them and into them."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from crisp_sim.errors import ToolError
from crisp_sim.simulators import plain_paths, simulators
from crisp_sim.simulators.build_cache import built_model
from crisp_sim.simulators.plain_paths import build_directory, is_plain, plain_path
from crisp_sim.simulators.simulators import Verilator, verilator_program

ODD = ("with space", "mit-\u00fcmlaut", "dollar$", "colon:", "percent%", "quote'")


@pytest.fixture
def temporary(tmp_path, monkeypatch) -> Path:
    """The only place for temporary files."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(plain_paths, "_TEMPORARY", (str(folder),))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "no such temporary folder"))
    return folder


def test_a_plain_path_is_itself(tmp_path):
    assert plain_path(tmp_path / "a-b_c+d.e") == tmp_path / "a-b_c+d.e"


@pytest.mark.parametrize("name", ODD)
def test_another_path_is_a_link_that_stays_the_same(tmp_path, temporary, name):
    odd = tmp_path / name
    odd.mkdir()
    link = plain_path(odd)
    assert is_plain(link)
    assert not is_plain(odd)
    assert link.resolve() == odd
    assert link == plain_path(odd)
    assert link.is_relative_to(temporary)


def test_builds_happen_in_place_where_its_name_allows(tmp_path, temporary):
    with build_directory(tmp_path) as directory:
        assert directory.parent == tmp_path
    odd = tmp_path / "odd name"
    odd.mkdir()
    with build_directory(odd) as directory:
        assert is_plain(directory)
        assert directory.is_relative_to(temporary)
    assert not directory.exists()


def test_no_place_for_links_is_a_sentence(tmp_path, monkeypatch):
    odd = tmp_path / "odd name"
    odd.mkdir()
    monkeypatch.setattr(plain_paths, "_TEMPORARY", (str(odd),))
    monkeypatch.setattr("tempfile.tempdir", str(odd))
    with pytest.raises(ToolError, match="expected TMPDIR to name one that can be written"):
        plain_path(odd)


def test_a_folder_of_somebody_else_is_not_used(temporary, tmp_path):
    (tmp_path / "theirs").mkdir()
    (temporary / f"crisp-{os.getuid()}").symlink_to(tmp_path / "theirs")
    with pytest.raises(ToolError):
        plain_path(tmp_path / "odd name")


@pytest.mark.slow
def test_verilator_builds_in_a_path_with_spaces_and_umlauts(tmp_path, monkeypatch):
    """All that make is told of lies there: the cache, the package's headers, Verilator itself."""
    odd = tmp_path / "my p\u00e4th" / "crisp stc"
    odd.mkdir(parents=True)
    (odd / "headers").symlink_to(simulators._HERE)
    (odd / "verilator").symlink_to(simulators.verilator_root())
    variables = [
        re.sub(r"-O\d", "-O0", word).replace(str(simulators._HERE), str(odd / "headers"))
        for word in Verilator.MAKE_VARIABLES
    ]
    monkeypatch.setattr(Verilator, "MAKE_VARIABLES", variables)
    monkeypatch.setattr(simulators, "_HERE", odd / "headers")
    monkeypatch.setattr(simulators, "verilator_root", lambda: odd / "verilator")
    verilog = odd / "wire only.v"
    verilog.write_text("module wire_only (\n  input a,\n  output y\n);\n  assign y = a;\nendmodule\n")
    model = built_model(Verilator(), verilog, "wire_only", waves=False, cache=odd / "build")
    assert (model / "wire_only").is_file()
    assert model.is_relative_to(odd)


def test_programs_that_are_started_may_use_all_of_the_stack():
    """Verilator recurses deeply; its own script raises the limit, too."""
    script = (
        "import resource, subprocess; from crisp_sim.simulators.simulators import verilator_program as v\n"
    )
    script += "resource.setrlimit(resource.RLIMIT_STACK, (1 << 23, 1 << 26)); v(); "
    script += "print(subprocess.check_output(['sh', '-c', 'ulimit -s'], text=True))"
    shown = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert shown.split() == [str((1 << 26) // 1024)]
    assert Path(verilator_program()[0]).is_file()

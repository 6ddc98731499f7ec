"""Packages import in their directions, in what they say and in what they do; none touches ``sys.path``.

The tests lie here, beside the tools that every package is made with, as they are of all packages alike.
"""

import itertools
import json
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from crisp_files.source_files import UNKNOWN, imported_modules
from tools.structure import import_all
from tools.structure.packages import CHECKOUT_ONLY, PACKAGES, PROJECT, may_import, sources_of
from tools.structure.sources import path_changes, texts

MOST_FILES = 14

NAMED_AT_RUN_TIME = {
    "hw/crisp_sim/devices.py": "the class of the device that is asked for",
    "hw/crisp_sim/runs/registered_bench.py": "the list of benches that a user names",
    "sw/crisp_cli/program.py": "the modules of the subcommands, each when it is called",
    "sw/crisp_sw/exchange/onnx/library.py": "the packages behind ONNX, which are optional",
    "sw/crisp_sw/flows/experiment/dask_workers.py": "a module of ours, in the processes of a cluster",
    "sw/crisp_sw/optional_packages.py": "packages of others, to see whether they are there",
}
"""Sources that import what only a run tells, and what that is."""

BROUGHT_BY_USERS = {"torchvision"}
"""Packages of others that are used where they are there: users of such models have them."""


def relative(source: Path) -> str:
    """A source's path within the project."""
    return source.relative_to(PROJECT).as_posix()


def imports_of(source: Path, name: str) -> set[str]:
    """What a source of the package ``name`` imports."""
    parts = source.relative_to(PROJECT / PACKAGES[name].folder).with_suffix("").parts
    is_package = parts[-1] == "__init__"
    module = ".".join(parts[:-1] if is_package else parts)
    return imported_modules(source.read_text(encoding="utf-8"), module, is_package=is_package)


def project_settings() -> dict[str, Any]:
    """What pyproject.toml says."""
    return tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))


def test_the_built_package_holds_these_packages_and_no_others():
    built = project_settings()["tool"]["hatch"]["build"]["targets"]["wheel"]
    folders = {f"{package.folder}/{name}" for name, package in PACKAGES.items()}
    assert {folder for folder in built["only-include"] if folder != "constraints"} == folders
    assert {path.parent.as_posix() for path in map(Path, folders)} == set(built["dev-mode-dirs"])


@pytest.mark.parametrize("name", PACKAGES)
def test_what_sources_say_they_import_follows_the_directions(name: str):
    sources = sources_of(name)
    assert len(sources) > 5
    for source in sources:
        for module in imports_of(source, name):
            top = module.partition(".")[0]
            assert top not in CHECKOUT_ONLY, (relative(source), module)
            if top in PACKAGES:
                assert may_import(name, module), (relative(source), module)
            elif top == UNKNOWN:
                assert relative(source) in NAMED_AT_RUN_TIME, module


@pytest.mark.slow
@pytest.mark.parametrize("name", PACKAGES)
def test_what_is_really_imported_follows_the_directions(name: str):
    package = PACKAGES[name]
    allowed = {name, *(one.partition(".")[0] for one in package.imports)}
    forbidden = sorted({*PACKAGES, *CHECKOUT_ONLY} - allowed)
    result = subprocess.run(
        [sys.executable, import_all.__file__, name, *forbidden], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    found = json.loads(result.stdout)
    assert found["refused"] == []
    assert found["missing"] == {}
    assert not found["path_changed"]
    assert set(found["loaded"]) & {*PACKAGES, *CHECKOUT_ONLY} <= allowed
    assert name in found["loaded"]


def test_a_forbidden_import_is_found_though_it_is_caught_and_within_a_function(tmp_path):
    package = tmp_path / "house"
    package.mkdir()
    (package / "__init__.py").write_text("import sys\n\n\ndef find():\n    import cellar.stairs\n")
    (package / "roof.py").write_text(
        "import house\n\ntry:\n    house.find()\nexcept ImportError:\n    house.sys.path.append('attic')\n"
    )
    (package / "wall.py").write_text("import no_such_module_anywhere\n")
    result = subprocess.run(
        [sys.executable, import_all.__file__, "house", "cellar"],
        env={"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    found = json.loads(result.stdout)
    assert found["refused"] == [["house", "cellar"]]
    assert found["missing"] == {"house.wall": "No module named 'no_such_module_anywhere'"}
    assert found["path_changed"]


def test_what_is_named_at_run_time_still_is():
    for source in NAMED_AT_RUN_TIME:
        names = imported_modules((PROJECT / source).read_text(encoding="utf-8"), "any")
        assert any(UNKNOWN in name for name in names), source


@pytest.mark.parametrize("name", PACKAGES)
def test_no_package_names_the_benches(name: str):
    """Neither to import them nor to start them as a program."""
    for source in sources_of(name):
        for text in texts(source.read_text(encoding="utf-8")):
            assert text.partition(".")[0] != "cocotb_tests", (relative(source), text)


def test_nothing_changes_the_path_on_which_modules_are_found():
    folders = {package.folder for package in PACKAGES.values()} | set(CHECKOUT_ONLY)
    sources = [source for folder in folders for source in sorted((PROJECT / folder).rglob("*.py"))]
    assert len(sources) > 500
    for source in sources:
        assert path_changes(source.read_text(encoding="utf-8")) == [], relative(source)


def test_only_simulators_are_started_with_a_path_of_their_own():
    """They begin in the middle of C++, without the interpreter's own path."""
    named = {
        relative(source)
        for name in PACKAGES
        for source in sources_of(name)
        if "PYTHONPATH" in texts(source.read_text(encoding="utf-8"))
    }
    assert named == {"hw/crisp_sim/simulators/simulators.py"}


def test_every_package_of_others_is_declared():
    """What is imported is among the dependencies, or in an extra."""
    project = project_settings()["project"]
    extras = project["optional-dependencies"].values()
    lines = [*project["dependencies"], *itertools.chain.from_iterable(extras)]
    declared = {canonicalize_name(Requirement(line).name) for line in lines}
    providers = packages_distributions()
    for name, package in PACKAGES.items():
        for module in package.needs - BROUGHT_BY_USERS:
            distributions = {canonicalize_name(found) for found in providers.get(module, ())}
            assert distributions & declared, (name, module)


@pytest.mark.parametrize("name", PACKAGES)
def test_needs_are_those_that_there_are(name: str):
    used = {module.partition(".")[0] for source in sources_of(name) for module in imports_of(source, name)}
    assert used - set(PACKAGES) - sys.stdlib_module_names - {UNKNOWN} == PACKAGES[name].needs


def test_a_folder_can_be_looked_through_at_a_glance():
    for name, package in PACKAGES.items():
        top = PROJECT / package.folder / name
        for folder in (top, *(path for path in top.rglob("*") if path.is_dir())):
            files = [path.name for path in folder.glob("*.py") if path.name != "__init__.py"]
            assert len(files) <= MOST_FILES, (relative(folder), sorted(files))

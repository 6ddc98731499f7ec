"""The built package is whole: what a user installs does, far from any checkout, all that the program offers.

Wheel and source distribution are built here. The wheel goes into an environment of its own, with links to
the packages that it and its extras ask for, and to no others: nothing is downloaded.
"""

import json
import os
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import dataclass
from importlib.metadata import Distribution, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tools.structure.packages import CHECKOUT_ONLY, PACKAGES, PROJECT

WITH_THE_SOURCE = """
    Makefile README.md CHANGELOG.md LICENSE requirements.lock conftest.py .ci/run .github/workflows/ci.yml
    docs/registers.md constraints/ulx3s.lpf golden/tests hw/tests sw/tests cocotb_tests/benches.py
    benchmarks fuzz/corpus tools/setup.sh
"""
"""Files and folders that are for those who develop."""

RECORDER = """
import atexit, json, os, sys

def record():
    named = ((name, getattr(module, "__file__", None)) for name, module in sys.modules.items())
    files = {name: file for name, file in named if file}
    with open(os.path.join(os.path.dirname(__file__), f"modules-{os.getpid()}.json"), "w") as file:
        json.dump(files, file)

atexit.register(record)
"""
"""A module that interpreters import as they start: it notes what has been imported until they end."""

INPUTS = """
import numpy as np, torch
from pathlib import Path
from safetensors.numpy import save_file
from crisp_golden.stimuli.random_networks import random_network
from crisp_sw.exchange.checkpoint import save_checkpoint
from crisp_sw.exchange.checkpoint_info import CheckpointInfo
from crisp_sw.exchange.packed import save_network
from crisp_sw.models import build_model

network = random_network(3, largest=6)
save_network(network, "network")
images = np.random.default_rng(0).integers(-128, 128, (1, *network.input_shape), dtype=np.int8)
save_file({"images": images}, "images.safetensors")
torch.manual_seed(0)
info = CheckpointInfo(
    model="small-resnet", in_channels=1, num_classes=10, classes=tuple("0123456789"), image_size=(8, 8),
    mean=(0.3,), std=(0.3,), dataset="digits", accuracy=0.1,
)
model = build_model(info.model, in_channels=info.in_channels, num_classes=info.num_classes)
save_checkpoint(Path("model.safetensors"), model, info)
"""

SYNTHESIS = """
from pathlib import Path
from amaranth.hdl import unsigned
from crisp_hw.build.fpga import Job, synthesize
from crisp_hw.build.fpga.boards import board
from crisp_hw.bus.stream_queue import StreamQueue

job = Job(name="queue", component=StreamQueue(unsigned(8), 4), board=board("ulx3s-12f"), folder=Path("queue"))
print(synthesize(job, lambda line: None).resources["lutram"].used, "cells of LUT RAM")
"""
"""All that ``crisp synth`` does, for a queue: for a core it takes more than a minute."""


@dataclass(frozen=True)
class Built:
    """What is handed out."""

    wheel: Path
    source: Path


@dataclass(frozen=True)
class Installation:
    """An environment with the wheel in it, and a folder to work in that was empty."""

    python: Path
    packages: Path
    folder: Path
    home: Path

    def run(self, *command: str, status: int = 0) -> str:
        """Run a program of the environment, with as few settings as it can do with; return what it prints."""
        programs = self.python.parent
        path = [
            folder for folder in os.environ["PATH"].split(os.pathsep) if PROJECT not in Path(folder).parents
        ]
        compiled = os.environ.get("YOWASP_CACHE_DIR", str(Path.home() / ".cache" / "YoWASP"))
        result = subprocess.run(
            [programs / command[0], *command[1:]],
            cwd=self.folder,
            env={
                "PATH": os.pathsep.join([str(programs), *path]),
                "HOME": str(self.home),
                "LANG": "C.UTF-8",
                "OMP_NUM_THREADS": "1",
                "YOWASP_CACHE_DIR": compiled,  # nextpnr itself, whose compilation takes a minute
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.returncode == status, f"{command}\n{result.stdout}\n{result.stderr}"
        return result.stdout + result.stderr

    def imported(self) -> dict[str, Path]:
        """The files of all modules that these programs imported."""
        return {
            name: Path(file)
            for record in self.packages.glob("modules-*.json")
            for name, file in json.loads(record.read_text()).items()
        }


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Built:
    folder = tmp_path_factory.mktemp("built")
    build(PROJECT, folder)
    ((wheel,), (source,)) = folder.glob("*.whl"), folder.glob("*.tar.gz")
    return Built(wheel, source)


def build(project: Path, folder: Path, *targets: str) -> None:
    """Build what pyproject.toml describes, without a network."""
    options = [option for target in targets for option in ("-t", target)]
    command = [sys.executable, "-m", "hatchling", "build", "-d", str(folder), *options]
    subprocess.run(command, cwd=project, check=True, capture_output=True)


def names_in(wheel: Path) -> set[str]:
    """The files in a wheel, without those that describe it."""
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if ".dist-info/" not in name}


def test_the_wheel_holds_every_file_of_the_packages_and_the_boards_pins(built):
    expected = {
        file.relative_to(PROJECT / package.folder).as_posix()
        for name, package in PACKAGES.items()
        for file in (PROJECT / package.folder / name).rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }
    pins = {f"crisp_hw/build/fpga/constraints/{file.name}" for file in (PROJECT / "constraints").iterdir()}
    assert names_in(built.wheel) == expected | pins
    assert any(name.endswith(".lpf") for name in pins)
    assert {Path(name).suffix for name in expected} >= {".cpp", ".h", ".v", ".vlt", ".css", ".js", ".pyi"}


def test_the_source_distribution_is_the_whole_project_and_makes_the_same_wheel(built, tmp_path):
    with tarfile.open(built.source) as archive:
        archive.extraction_filter = getattr(tarfile, "data_filter", None)  # from Python 3.11.4 on
        archive.extractall(tmp_path)
    (project,) = tmp_path.iterdir()
    for name in WITH_THE_SOURCE.split():
        assert (project / name).exists(), name
    assert os.access(project / "tools" / "setup.sh", os.X_OK)
    build(project, tmp_path / "again", "wheel")
    assert (tmp_path / "again" / built.wheel.name).read_bytes() == built.wheel.read_bytes()


def test_an_editable_install_is_a_path_to_the_sources_and_no_copy_of_any(tmp_path):
    code = "import sys; from hatchling.build import build_editable; build_editable(sys.argv[1])"
    subprocess.run([sys.executable, "-c", code, tmp_path], cwd=PROJECT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    (path,) = names_in(wheel)
    with zipfile.ZipFile(wheel) as archive:
        folders = archive.read(path).decode().splitlines()
    assert folders == [str(PROJECT / folder) for folder in ("golden", "hw", "sw")]


@pytest.fixture(scope="module")
def installation(built, tmp_path_factory) -> Installation:
    root = tmp_path_factory.mktemp("installation")
    folder, home = root / "empty", root / "home"
    folder.mkdir()
    home.mkdir()
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", root / "env"], check=True)
    python = root / "env" / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", python, "--disable-pip-version-check", "install"]
    subprocess.run([*pip, "-q", "--no-deps", "--no-index", built.wheel], check=True)
    (packages,) = (root / "env" / "lib").glob("python*/site-packages")
    (description,) = packages.glob("*.dist-info")
    for needed in required(Distribution.at(description), {"rtl", "fpga"}).values():
        link_files(needed, packages)
    # Systems have a sitecustomize of their own, which would come first.
    (packages / "import_recorder.py").write_text(RECORDER)
    (packages / "import_recorder.pth").write_text("import import_recorder\n")
    return Installation(python, packages, folder, home)


def required(root: Distribution, extras: set[str]) -> dict[str, Distribution]:
    """The distributions that pip would install for one and some of its extras."""
    found: dict[str, Distribution] = {}
    seen: set[tuple[str, frozenset[str]]] = set()
    pending = [(root, frozenset(extras))]
    while pending:
        asking, asked = pending.pop()
        for requirement in map(Requirement, asking.requires or ()):
            marker, wanted = requirement.marker, (requirement.name, frozenset(requirement.extras))
            if marker and not any(marker.evaluate({"extra": extra}) for extra in asked or ("",)):
                continue
            if wanted not in seen:
                seen.add(wanted)
                found[requirement.name] = distribution(requirement.name)
                pending.append((found[requirement.name], wanted[1]))
    return found


def link_files(needed: Distribution, packages: Path) -> None:
    """Put a distribution into an environment, without what makes pip's programs and paths."""
    tops = {file.parts[0] for file in needed.files or ()} - {"..", "__pycache__"}
    for top in tops:
        if not top.endswith(".pth") and not (packages / top).exists():
            (packages / top).symlink_to(Path(str(needed.locate_file(top))))


@pytest.mark.slow
def test_the_installed_program_does_all_that_it_offers_in_an_empty_folder(installation):
    run, folder = installation.run, installation.folder
    run("python", "-c", INPUTS)
    run("crisp", "verilog", "--preset", "tiny")
    assert "module crisp_stc" in next((folder / "build" / "verilog").glob("*.v")).read_text()
    assert "speedup" in run("crisp", "inspect", "network", "--preset", "tiny", "--out", "inspection")
    run("crisp", "compile", "network", "--preset", "tiny", "--out", "program.crisp")
    assert "execute" in run("crisp", "disasm", "program.crisp")
    assert "9 layers, bit-exact" in run(
        "crisp", "cosim", "network", "--inputs", "images.safetensors", "--preset", "tiny"
    )
    run("crisp", "network", "network", "--preset", "tiny")
    demo = ("--checkpoint", "model.safetensors", "--data", "digits", "--classes", "1,7", "--samples", "32")
    assert "bit-exact" in run("crisp", "demo", "--preset", "tiny", *demo)
    code = "from crisp_files.folders import in_checkout\nin_checkout('docs')"
    assert "docs is part of a checkout of crisp-stc" in run("python", "-c", code, status=1)
    assert "expected one of ulx3s-85f" in run("crisp", "synth", "--board", "nope", status=2)
    assert "2 cells of LUT RAM" in run("python", "-c", SYNTHESIS)

    imported = installation.imported()
    own = {name for name in imported if name.partition(".")[0] in PACKAGES}
    assert {name.partition(".")[0] for name in own} == set(PACKAGES)
    assert not {name.partition(".")[0] for name in imported} & set(CHECKOUT_ONLY)
    for name, file in imported.items():
        assert name not in own or installation.packages in file.parents, (name, file)
        assert PROJECT not in file.parents, (name, file)
    assert sorted(path.name for path in (installation.home / ".cache" / "crisp-stc").iterdir()) == ["build"]

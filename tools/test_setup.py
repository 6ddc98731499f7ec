"""Setup names what is missing and how to get it, and leaves an environment alone that is up to date."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[1]
BASICS = (
    "sh",
    "cat",
    "cut",
    "dirname",
    "env",
    "grep",
    "id",
    "mkdir",
    "mv",
    "rm",
    "sed",
    "sha256sum",
    "touch",
)

# Stands in for an interpreter: answers setup's questions, makes environments out of copies of itself.
PYTHON = """#!/bin/sh
case "$*" in
    --version) echo "Python 3.11.9" ;;
    *"version_info < "*) exit {too_old} ;;
    *"import ensurepip"*) exit {no_venv} ;;
    *version_info*) echo python3.11-venv ;;
    "-m venv .venv")
        mkdir -p .venv/bin
        cat "$0" > .venv/bin/python
        chmod +x .venv/bin/python
        echo "$PWD/.venv" > .venv/bin/activate ;;
    *find_libpython*) exit {no_library} ;;
    *"torch.version"*) [ -e gpu_torch ] ;;
    "-m uv pip install"*) echo "$*" >> pip.log; exit {no_uv_torch} ;;
    "-m pip install"*--force-reinstall*torch==*) echo "$*" >> pip.log; touch gpu_torch ;;
    "-m pip install"*) echo "$*" >> pip.log; case "$*" in *+cpu*) exit {no_cpu_torch} ;; esac ;;
    *"import torch"*) exit 1 ;;
esac
"""


@dataclass
class Machine:
    """A checkout, and the only folder in which its setup looks for programs."""

    checkout: Path
    programs: Path

    def install(self, name: str, script: str = "#!/bin/sh\n") -> None:
        """Add a program."""
        (self.programs / name).write_text(script)
        (self.programs / name).chmod(0o755)

    def install_python(self, **exit_statuses: int) -> None:
        """Add a Python whose answers are those of a good one, but for ``exit_statuses``."""
        answers = {
            "too_old": 0,
            "no_venv": 0,
            "no_library": 0,
            "no_cpu_torch": 0,
            "no_uv_torch": 0,
        } | exit_statuses
        script = PYTHON
        for name, status in answers.items():
            script = script.replace("{" + name + "}", str(status))
        self.install("python3", script)

    def setup(self, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run setup as someone who may not install system packages."""
        return subprocess.run(
            ["sh", str(self.checkout / "tools" / "setup.sh")],
            env={"PATH": str(self.programs), "CRISP_NO_APT": "1", **environment},
            capture_output=True,
            text=True,
            check=False,
        )

    def pip_calls(self) -> list[str]:
        """What pip was asked to install so far."""
        log = self.checkout / "pip.log"
        return log.read_text().splitlines() if log.exists() else []


@pytest.fixture
def machine(tmp_path) -> Machine:
    """A machine with a compiler and perl, but without Python."""
    checkout, programs = tmp_path / "checkout", tmp_path / "bin"
    (checkout / "tools").mkdir(parents=True)
    programs.mkdir()
    for name in ("pyproject.toml", "requirements.lock", "tools/setup.sh"):
        shutil.copy(PROJECT / name, checkout / name)
    for name in (*BASICS, "chmod"):
        program = shutil.which(name)
        assert program, name
        (programs / name).symlink_to(program)
    made = Machine(checkout, programs)
    made.install("g++")
    made.install("perl")
    return made


def test_a_good_machine_gets_an_environment_once(machine):
    machine.install_python()
    first = machine.setup()
    assert first.returncode == 0, first.stderr
    assert "making .venv with Python 3.11.9" in first.stdout
    assert "going on without iverilog" in first.stdout
    assert "sudo apt-get install dataset-fashion-mnist" in first.stdout
    calls = machine.pip_calls()
    assert any("torch==" in call and "+cpu" in call for call in calls)
    assert any("--editable .[dev]" in call for call in calls)
    second = machine.setup()
    assert (second.returncode, second.stdout, second.stderr) == (0, "", "")
    assert machine.pip_calls() == calls


@pytest.mark.parametrize("changed", ["pyproject.toml", "requirements.lock"])
def test_changed_requirements_are_installed_into_the_same_environment(machine, changed):
    machine.install_python()
    machine.setup()
    before = len(machine.pip_calls())
    with (machine.checkout / changed).open("a") as file:
        file.write("# changed\n")
    result = machine.setup()
    assert result.returncode == 0
    assert "making .venv" not in result.stdout
    assert len(machine.pip_calls()) > before


def test_a_broken_environment_is_made_again(machine):
    machine.install_python()
    machine.setup()
    (machine.checkout / ".venv" / "bin" / "python").unlink()
    result = machine.setup()
    assert result.returncode == 0, result.stderr
    assert "making .venv" in result.stdout


def test_an_environment_that_was_moved_is_made_again(machine, tmp_path):
    machine.install_python()
    machine.setup()
    moved = Machine(machine.checkout.rename(tmp_path / "elsewhere"), machine.programs)
    result = moved.setup()
    assert result.returncode == 0, result.stderr
    assert "making .venv" in result.stdout


def torch_calls(machine: Machine) -> list[str]:
    """Who was asked for which build of PyTorch."""
    kinds = []
    for call in machine.pip_calls():
        if "torch==" in call:
            assert "--constraint requirements.lock" in call
            backend = "cpu" if "--torch-backend=cpu" in call or "+cpu" in call else "ordinary"
            kinds.append(f"{call.split()[1]} {backend}")
    return kinds


def test_where_pip_has_no_cpu_only_torch_uv_finds_it_without_any_setting(machine):
    machine.install_python(no_cpu_torch=1)
    result = machine.setup()
    assert result.returncode == 0, result.stderr
    assert "GPU libraries: about" not in result.stdout
    assert torch_calls(machine) == ["pip cpu", "uv cpu"]


def test_where_only_the_large_torch_is_to_be_had_its_size_is_said_before_the_download(machine):
    machine.install_python(no_cpu_torch=1, no_uv_torch=1)
    result = machine.setup()
    assert result.returncode == 0, result.stderr
    assert "about 3 GB to download, 5 GB on the disk" in result.stdout
    assert "PIP_EXTRA_INDEX_URL" in result.stdout
    assert torch_calls(machine) == ["pip cpu", "uv cpu", "pip ordinary"]


def test_the_build_for_gpus_is_taken_only_if_it_is_asked_for(machine):
    machine.install_python()
    machine.setup()
    assert torch_calls(machine) == ["pip cpu"]
    result = machine.setup(GPU="1")
    assert result.returncode == 0, result.stderr
    assert "about 3 GB to download, 5 GB on the disk" in result.stdout
    assert torch_calls(machine) == ["pip cpu", "pip ordinary"]
    again = machine.setup(GPU="1")
    assert (again.returncode, again.stdout) == (0, "")
    assert machine.setup().stdout == ""


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        ({"too_old": 1}, "no Python 3.11 or later found; run: sudo apt-get install python3 python3-venv"),
        ({"no_venv": 1}, "cannot make virtual environments; run: sudo apt-get install python3.11-venv"),
        ({"no_library": 1}, "Python's shared library is missing; run: sudo apt-get install"),
    ],
)
def test_a_python_that_does_not_do_says_what_to_install(machine, answers, message):
    machine.install_python(**answers)
    result = machine.setup()
    assert result.returncode == 1
    assert message in result.stderr
    assert not (machine.checkout / ".venv" / "crisp-stc.stamp").exists()


@pytest.mark.parametrize("program", ["g++", "perl"])
def test_a_missing_program_says_what_to_install(machine, program):
    machine.install_python()
    (machine.programs / program).unlink()
    result = machine.setup()
    assert result.returncode == 1
    assert f"`{program}` is missing; run: sudo apt-get install {program}" in result.stderr


def test_where_it_is_allowed_system_packages_are_installed(machine):
    machine.install_python()
    (machine.programs / "g++").unlink()
    (machine.programs / "id").unlink()
    machine.install("id", "#!/bin/sh\necho 0\n")
    machine.install(
        "apt-get",
        f"""#!/bin/sh
echo "$*" >> {machine.checkout}/apt.log
case "$*" in *g++) cp {machine.programs}/perl {machine.programs}/g++ ;; *iverilog) exit 100 ;; esac
""",
    )
    (machine.programs / "cp").symlink_to(shutil.which("cp") or "/bin/cp")
    result = machine.setup(CRISP_NO_APT="")
    assert result.returncode == 0, result.stderr
    calls = (machine.checkout / "apt.log").read_text().splitlines()
    installed = [call.split()[-1] for call in calls if call.startswith("install")]
    assert installed[0] == "g++"
    assert "dataset-fashion-mnist" in installed
    assert "going on without iverilog" in result.stdout
    assert "going on without dataset-fashion-mnist" not in result.stdout


def test_an_interpreter_that_was_named_must_be_recent(machine):
    machine.install_python()
    result = machine.setup(PYTHON="python2")
    assert result.returncode == 1
    assert "PYTHON=python2 is not a Python 3.11 or later" in result.stderr

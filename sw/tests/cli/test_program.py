"""The command group: what it lists is what the commands say, and it imports no more than is used."""

import subprocess
import sys

import numpy as np
import pytest
from safetensors.numpy import save_file
from typer.testing import CliRunner

from crisp_cli.program import COMMANDS, app
from crisp_files.output_lock import locked_output

HEAVY = ("torch", "sklearn", "PIL", "dask", "matplotlib", "onnx")
PROGRAM = """
import sys
from crisp_cli.__main__ import main
names = sys.argv.pop(1).split()
try:
    main()
finally:
    print(*[name for name in names if name in sys.modules], file=sys.stderr)
"""


def imported(names: tuple[str, ...], words: tuple[str, ...]) -> tuple[int, str]:
    """Exit status of a command line, and which of the packages it imports."""
    finished = subprocess.run(
        [sys.executable, "-c", PROGRAM, " ".join(names), *words], capture_output=True, text=True, check=False
    )
    return finished.returncode, finished.stderr.splitlines()[-1]


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_has_the_first_line_of_each_command(name):
    summary, *_ = COMMANDS[name].load(name).help.splitlines()
    assert COMMANDS[name].summary == summary


def test_the_list_has_every_command_with_its_summary():
    shown = " ".join(CliRunner(env={"COLUMNS": "200"}).invoke(app, ["--help"]).stdout.split())
    for name, command in COMMANDS.items():
        assert f"{name} {command.summary}" in shown


@pytest.mark.parametrize(
    ("arguments", "status"),
    [((), 2), (("--help",), 0), (("--version",), 0), (("nosuch",), 2), (("--nosuch",), 2)],
)
def test_nothing_heavy_is_imported_without_a_command(arguments, status):
    assert imported((*HEAVY, "numpy", "safetensors"), arguments) == (status, "")


@pytest.mark.parametrize("name", COMMANDS)
def test_help_of_a_command_and_errors_of_usage_import_nothing_heavy(name):
    assert imported(HEAVY, (name, "--help")) == (0, "")
    assert imported(HEAVY, (name, "--no-such-option")) == (2, "")


@pytest.mark.parametrize(
    "words",
    [
        ("accuracy", "digits", "--grid", "nosuch"),
        ("compile", "network", "--preset", "nosuch"),
        ("demo", "--sparsity", "2"),
        ("prune", "--classes", "1", "--sparsity", "2"),
        ("quantize", "--ranges", "nosuch"),
        ("synth", "--preset", "nosuch"),
    ],
)
def test_values_out_of_range_are_refused_without_anything_heavy(words):
    assert imported(HEAVY, words) == (2, "")


@pytest.mark.slow
def test_what_computes_no_float_model_runs_without_pytorch(network, tmp_path):
    """And without everything else that takes seconds to import; SciPy comes with scikit-learn."""
    images = np.zeros((1, 1, 8, 8), np.int8)
    save_file({"images": images}, tmp_path / "inputs.safetensors")
    image, core = tmp_path / "program.crisp", ("--preset", "small")
    inputs = ("--inputs", str(tmp_path / "inputs.safetensors"), "--layer", "^linear$")
    for words, status in (
        (("compile", str(network), "--out", str(image), *core), 0),
        (("disasm", str(image)), 0),
        (("inspect", str(network), "--program", "--out", str(tmp_path / "inspection"), *core), 0),
        (("verilog", "--preset", "tiny", "--top", "core", "--out", str(tmp_path / "verilog")), 0),
        (("synth", "--board", "nosuch"), 2),
        (("cosim", str(network), *inputs, "--out", str(tmp_path / "cosim.json"), *core), 0),
        (("write-page", "registers", "--out", str(tmp_path / "page.md")), 0),
        (("index", str(tmp_path)), 0),
    ):
        assert imported((*HEAVY, "scipy"), words) == (status, ""), words


def test_version_is_the_package():
    from importlib.metadata import version

    assert CliRunner().invoke(app, ["--version"]).stdout == f"crisp {version('crisp-stc')}\n"


def test_a_mistyped_command_gets_the_nearest_one():
    result = CliRunner().invoke(app, ["prun"])
    assert result.exit_code == 2
    assert "Did you mean 'prune'?" in result.stderr


@pytest.mark.parametrize(
    ("words", "completed"), [("crisp pru", "prune"), ("crisp prune --spars", "--sparsity")]
)
def test_shells_complete_commands_and_options(words, completed):
    environment = {"_CRISP_COMPLETE": "complete_bash", "COMP_WORDS": words}
    position = str(len(words.split()) - 1)
    result = CliRunner().invoke(app, [], prog_name="crisp", env={**environment, "COMP_CWORD": position})
    assert result.stdout.split() == [completed]


REQUIRED = {"prune": ("--classes", "1"), "cosim": ("network", "--inputs", "i"), "accuracy": ("digits",)}
REQUIRED |= {"write-page": ("registers",)}
REQUIRED |= dict.fromkeys(("inspect", "export", "compile", "network"), ("source",))


WRITING = [name for name in COMMANDS if "out" in {option.name for option in COMMANDS[name].load(name).params}]


def test_most_commands_write_to_a_place_of_their_own():
    others = {"disasm", "index", "synth", "synthetic", "bench", "random-layers", "random-programs"}
    assert set(COMMANDS) - set(WRITING) == others | {"try-simulator"}


@pytest.mark.parametrize("name", WRITING)
def test_an_output_that_another_run_writes_is_refused_before_any_work(name, tmp_path):
    out = tmp_path / "out"
    with locked_output(out):
        result = CliRunner().invoke(app, [name, *REQUIRED.get(name, ()), "--out", str(out)])
    assert result.exit_code == 2
    assert result.stderr.startswith(f"error: {out} is being written by another run; expected another place")
    assert result.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []

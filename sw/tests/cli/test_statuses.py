"""Exit statuses of every command: 2 for what the user mends, 1 for what failed, 130 for Ctrl-C."""

import errno
from dataclasses import dataclass
from typing import Any

import pytest

from crisp_cli.program import COMMANDS
from crisp_spec.errors import CrispError, FailedError, MissingToolError
from sw.tests.cli.runner import crisp


@dataclass(frozen=True)
class Ways:
    """How a command can come to an end.

    Attributes
    ----------
    words : of the command line with which it begins its work.
    work : what does the work then, and is replaced by something that ends.
    wrong : words of a command line with a value that cannot be used.
    unwritable : words of one that names a place below the file ``file``; None if nothing is written.
    """

    words: tuple[str, ...]
    work: str
    wrong: tuple[str, ...]
    unwritable: tuple[str, ...] | None = ("--out", "file/out")


WAYS = {
    "demo": Ways((), "crisp_sw.flows.demo.run_demo", ("--preset", "huge")),
    "train": Ways((), "crisp_sw.train.training.run_training", ("--epochs", "0")),
    "evaluate": Ways(("model",), "crisp_sw.exchange.network_source.is_quantized", ("nowhere",)),
    "prune": Ways(("--classes", "1"), "crisp_sw.flows.inputs.load_task", ("--classes", "eleven")),
    "quantize": Ways(("model",), "crisp_sw.flows.inputs.load_float_model", ("nowhere",)),
    "inspect": Ways(("model",), "crisp_sw.flows.inputs.integer_network.open_integer_network", ("nowhere",)),
    "export": Ways(
        ("small_resnet_fashion_mnist", "--out", "a.safetensors"),
        "crisp_sw.flows.steps.export_step.export_model",
        ("nowhere", "--out", "a.onnx"),
        ("--out", "file/a.safetensors"),
    ),
    "index": Ways((), "crisp_cli.commands.index.find_runs", ("nowhere",), ("file",)),
    "accuracy": Ways(
        ("digits",), "crisp_sw.flows.experiment.experiment.run_experiment", ("digits", "--grid", "nosuch")
    ),
    "synthetic": Ways(
        ("resnet18-32px",), "crisp_sw.synthetic.cache.cached_network", ("nosuch",), ("--cache", "file/cache")
    ),
    "compile": Ways(("network",), "crisp_sw.exchange.network_source.open_network", ("nowhere",)),
    "disasm": Ways(("image",), "crisp_cli.commands.programs.disasm.read_program", ("nowhere",), None),
    "network": Ways(
        ("resnet18-32px", "--no-rtl"),
        "crisp_sw.flows.program_run.requested_network.open_requested",
        ("nosuch", "--no-rtl"),
    ),
    "verilog": Ways((), "crisp_hw.accelerator.CrispStc", ("--preset", "huge")),
    "synth": Ways((), "crisp_hw.core.core.CrispCore", ("--board", "nope")),
    "cosim": Ways(
        ("network", "--inputs", "i"), "crisp_sw.exchange.packed.load_network", ("nowhere", "--inputs", "i")
    ),
    "random-layers": Ways((), "crisp_sim.core.random_layers.random_layers", ("--sim", "vcs"), None),
    "random-programs": Ways((), "crisp_cli.program_pairs.cases.ProgramCases", ("--preset", "huge"), None),
    "try-simulator": Ways((), "crisp_sim.runs.trial.try_simulator", ("--sim", "vcs"), None),
    "bench": Ways(("mine",), "crisp_sim.runs.registered_bench.load_benches", ("nosuch",), None),
    "write-page": Ways(
        ("registers", "--out", "a.md"),
        "crisp_hw.build.register_export.register_page",
        ("nosuch", "--out", "a.md"),
    ),
}

ENDS: list[tuple[Any, int, str]] = [
    (CrispError("it must be 2, not 3"), 2, "error: it must be 2, not 3"),
    (MissingToolError("verilator is missing"), 2, "error: verilator is missing"),
    (OSError(errno.ENOSPC, "No space left on device", "a"), 2, "error: a: No space left on device"),
    (MemoryError(), 2, "error: not enough memory"),
    (FailedError("1 of 2 layers differ"), 1, "error: 1 of 2 layers differ"),
    (KeyboardInterrupt(), 130, "interrupted"),
]


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_every_command_is_here():
    assert WAYS.keys() == COMMANDS.keys()


@pytest.mark.parametrize("name", COMMANDS)
def test_help_is_a_success_and_a_wrong_option_is_not(name):
    assert crisp(name, "--help").exit_code == 0
    result = crisp(name, *WAYS[name].words, "--no-such-option")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("error: ")


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize(("error", "status", "said"), ENDS, ids=lambda value: type(value).__name__)
def test_the_work_ends_as_it_must(name, error, status, said, monkeypatch):
    def end(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(WAYS[name].work, end)
    result = crisp(name, *WAYS[name].words)
    assert (result.exit_code, result.stdout) == (status, ""), result.stderr
    assert result.stderr.splitlines()[-1].startswith(said)
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("name", COMMANDS)
def test_a_value_that_cannot_be_used_is_one_sentence(name, tmp_path):
    result = crisp(name, *WAYS[name].wrong)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.splitlines()[-1].startswith("error: ")
    assert "Traceback" not in result.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", [name for name, ways in WAYS.items() if ways.unwritable])
def test_a_place_that_cannot_be_written_is_one_sentence(name, tmp_path):
    (tmp_path / "file").touch()
    ways = WAYS[name]
    assert ways.unwritable is not None
    result = crisp(name, *ways.words, *ways.unwritable)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.splitlines()[-1].startswith("error: file")
    assert "Traceback" not in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["file"]

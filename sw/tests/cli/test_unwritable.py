"""Places that cannot be written: one sentence that names the file, status 2, before any work, no remains."""

import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch

from crisp_sw.exchange.tensor_files import write_safetensors
from sw.tests.cli.runner import crisp

TOO_LARGE = "cannot be written (File too large)"


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """Let the operating system refuse to write files of more bytes, as a full disk does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.fixture
def place(digits_checkpoint, pruned, network, tmp_path, monkeypatch) -> dict[str, Path]:
    monkeypatch.chdir(tmp_path)
    return {"CHECKPOINT": digits_checkpoint, "PRUNED": pruned, "NETWORK": network}


def refused(arguments: tuple[object, ...], place: dict[str, Path], size: int) -> str:
    with largest_file(size):
        result = crisp(*(place.get(str(argument), argument) for argument in arguments))
    assert (result.exit_code, result.stdout) == (2, ""), result.stderr
    assert list(Path().iterdir()) == []
    return result.stderr


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (("train", "--data", "nowhere", "--out", "a/b"), "a/b"),
        (("train", "--data", "nowhere", "--out", "a/b.safetensors"), "a/b.safetensors"),
        (("evaluate", "CHECKPOINT", "--data", "nowhere", "--out", "a/b"), "a/b"),
        (("prune", "CHECKPOINT", "--data", "nowhere", "--classes", "1,2", "--out", "a/b"), "a/b"),
        (("quantize", "PRUNED", "--data", "nowhere", "--out", "a/b"), "a/b"),
        (("inspect", "nowhere", "--out", "a/b"), "a/b"),
        (("export", "NETWORK", "--out", "a/b.onnx"), "a/b.onnx"),
        (("compile", "nowhere", "--out", "a/b.crisp"), "a/b.crisp"),
        (("accuracy", "nowhere", "--out", "a/b"), "a/b/headline.md"),
        (("demo", "--data", "nowhere", "--out", "a/b"), "a/b/report.json"),
        (("cosim", "nowhere", "--inputs", "nowhere", "--out", "a/b.json"), "a/b.json"),
        (("network", "NETWORK", "--no-rtl", "--out", "a/b"), "a/b/report.json"),
    ],
)
def test_place_is_tried_before_any_work(place, arguments, name):
    stderr = refused(arguments, place, size=1000)
    assert stderr.splitlines()[-1] == f"error: {name}: {TOO_LARGE}"


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (("train", "--data", "digits", "--image-size", 8, "--epochs", 1, "--out", "a/b"), "a/b.state"),
        (("quantize", "PRUNED", "--samples", 8, "--out", "a/b"), "a/b"),
        (("export", "PRUNED", "--out", "a/b.safetensors"), "a/b.safetensors"),
        (("export", "PRUNED", "--out", "a/b"), "a/b/model.safetensors"),
        (("export", "NETWORK", "--out", "b.onnx"), "b.onnx"),
        (("compile", "NETWORK", "--out", "b.crisp"), "b.crisp"),
        (("inspect", "NETWORK", "--out", "b"), "b"),
    ],
)
def test_disk_that_is_full_later_is_one_sentence(place, arguments, name):
    with largest_file(8192):
        result = crisp(*(place.get(str(argument), argument) for argument in arguments))
    assert (result.exit_code, result.stdout) == (2, ""), result.stderr
    last = result.stderr.splitlines()[-1]
    assert last == f"error: {name}: {TOO_LARGE}"
    assert "Traceback" not in result.stderr
    assert [path for path in Path().rglob("*") if not path.is_dir()] == []


def test_tensors_that_do_not_fit_name_their_file(tmp_path):
    with largest_file(8192), pytest.raises(OSError, match=r"a\.safetensors: cannot be written \(File too"):
        write_safetensors(tmp_path / "a.safetensors", {"x": torch.zeros(100_000)}, {})
    assert list(tmp_path.iterdir()) == []


def test_output_below_a_file(place, tmp_path):
    (tmp_path / "file").touch()
    result = crisp("quantize", place["PRUNED"], "--out", "file/network")
    assert (result.exit_code, result.stderr) == (
        2,
        "error: file/network: cannot be written (Not a directory)\n",
    )


def test_name_that_is_too_long(place):
    stderr = refused(("compile", "NETWORK", "--out", 250 * "a"), place, size=1 << 30)
    assert stderr == f"error: {250 * 'a'}: cannot be written (File name too long)\n"


@pytest.mark.parametrize("options", [(), ("--json",), ("--help",)])
def test_full_stdout_is_one_sentence(options, network):
    command = [sys.executable, "-m", "crisp_cli", "inspect", str(network), *options]
    with open("/dev/full", "w") as full:
        result = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert result.returncode == 2
    assert result.stderr.startswith("error: ")
    assert "No space left on device" in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_reader_that_has_gone_is_no_failed_check(options, network):
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "crisp_cli", "inspect", str(network), *options]
    result = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writer)
    assert (result.returncode, result.stderr) == (2, "")


@pytest.mark.parametrize(("name", "status"), [("nothing", 2), ("network", 0)])
def test_status_does_not_depend_on_who_reads_stderr(name, status, network):
    path = str(network) if name == "network" else name
    command = [sys.executable, "-m", "crisp_cli", "evaluate", path, "--data", "digits"]
    reader, writer = os.pipe()
    os.close(reader)
    with open("/dev/full", "w") as full:
        for stderr in (full, writer):
            result = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=stderr, check=False)
            assert result.returncode == status
    os.close(writer)


def test_terminal_of_another_encoding(tmp_path):
    command = [sys.executable, "-m", "crisp_cli", "inspect", "\u9774"]
    environment = {**os.environ, "PYTHONIOENCODING": "latin-1:strict"}
    result = subprocess.run(
        command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith("error: no checkpoint '\\u9774'; expected a file")

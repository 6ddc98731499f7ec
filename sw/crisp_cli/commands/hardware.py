"""``crisp verilog``, ``synth`` and ``cosim``: the generator and the benches, as programs of their own."""

import importlib.util
import os
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import typer

from crisp_cli.options import Output, PresetName, Simulator
from crisp_files.atomic_files import require_new_file
from crisp_spec.config import preset as find_preset
from crisp_spec.errors import CrispError
from crisp_sw.optional_packages import require_packages

BENCHES = "cocotb_tests"
STDERR = 2  # the file descriptor
Top = Literal["accelerator", "core"]


class ProgramError(CrispError):
    """A program of the project that this command starts is not there."""


def verilog(
    preset: PresetName = "edge",
    top: Annotated[Top, typer.Option(help="What to write.")] = "accelerator",
    out: Output = Path("build/verilog"),
) -> None:
    """Write the accelerator, with a C header of its registers, or its core alone as Verilog.

    Examples:

    - `crisp verilog --preset small`
    - `crisp verilog --preset tiny --top core`
    """
    require_new_file(out / "crisp_stc.v")
    arguments = ["verilog", "--preset", preset, "--top", top, "--out", str(out)]
    raise typer.Exit(run_program("crisp_hw", arguments))


def synth(
    preset: PresetName = "small",
    board: Annotated[str, typer.Option("--board", "-b", help="FPGA board.")] = "ulx3s-85f",
    top: Annotated[
        Top | None,
        typer.Option(help="What to build.", show_default="core, but accelerator for preset ulx3s"),
    ] = None,
) -> None:
    """Synthesize the core or the accelerator for an FPGA board: area, clock frequency, critical path.

    Examples:

    - `crisp synth --board ulx3s-85f --preset small`
    - `crisp synth --preset ulx3s`
    """
    arguments = ["synth", "--board", board, "--preset", preset]
    raise typer.Exit(run_program("crisp_hw", arguments + (["--top", top] if top else [])))


def cosim(
    network: Annotated[Path, typer.Argument(help="Packed network, written by crisp quantize.")],
    inputs: Annotated[
        Path, typer.Option("--inputs", "-i", help="safetensors with `images` int8[B, C, H, W].")
    ],
    preset: PresetName = "edge",
    out: Output = Path("build/cosim.json"),
    sim: Simulator = "verilator",
) -> None:
    """Run every layer of a packed network on the RTL and compare it bit for bit with the golden model.

    Example: `crisp cosim build/network --inputs images.safetensors --preset edge`
    """
    from crisp_sw.exchange.onnx import is_onnx_file
    from crisp_sw.exchange.packed import load_network

    if is_onnx_file(network):
        command = shlex.join(["crisp", "export", str(network), "--out", str(network.with_suffix(""))])
        raise ProgramError(f"{network}: expected a packed network, which `{command}` makes")
    require_new_file(out)
    require_benches()
    load_network(network)
    raise typer.Exit(run_cosim(network, inputs, preset, out, sim))


def try_simulator(sim: str = "verilator") -> None:
    """See, before anything takes long, whether the RTL can be simulated here, by a model of a single wire.

    What is wrong has been printed when this exits.

    Raises
    ------
    CrispError : the benches or the packages that they need are not there.
    typer.Exit : the simulator does not work.
    """
    require_benches()
    status = run_program(BENCHES, ["trial", "--sim", sim], quiet_stdout=True)
    if status:
        raise typer.Exit(status)


def require_benches() -> None:
    """Check that the RTL's benches are there, and the packages that they need.

    Raises
    ------
    CrispError : they are not.
    """
    if not _is_there(BENCHES):
        raise ProgramError(
            "simulating the RTL needs its benches, which are not part of the installed package; expected a "
            "checkout of crisp-stc to work in, or `crisp network --no-rtl`, which does without"
        )
    require_packages("cocotb", "find_libpython", purpose="simulating the RTL", extra="rtl")


def run_cosim(
    network: Path,
    inputs: Path,
    preset: str,
    out: Path,
    sim: str = "verilator",
    *,
    quiet_stdout: bool = False,
) -> int:
    """Start the network bench; 0 if every layer is bit-exact and takes the predicted cycles.

    ``quiet_stdout`` sends what the bench prints to stderr.

    Raises
    ------
    CrispError : the inputs or the benches are not there, or the preset is unknown.
    """
    find_preset(preset)
    if not inputs.is_file():
        raise ProgramError(f"{inputs}: no such file; expected safetensors with the network's int8 images")
    arguments = ["--network", network, "--inputs", inputs, "--preset", preset, "--out", out, "--sim", sim]
    arguments = ["network", *(str(argument) for argument in arguments)]
    require_benches()
    return run_program(BENCHES, arguments, quiet_stdout=quiet_stdout)


def run_program(module: str, arguments: Sequence[str], *, quiet_stdout: bool = False) -> int:
    """Run ``python -m module arguments`` and return its exit status.

    The benches are no installed package: they are found in the working directory or in the checkout that
    this package is installed from.

    Raises
    ------
    ProgramError : there is no such module.
    """
    if not _is_there(module):
        raise ProgramError(f"{module} is not installed; expected to run from a checkout of crisp-stc")
    path = os.pathsep.join([*map(str, _folders()), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, "-m", module, *arguments]
    environment = {**os.environ, "PYTHONPATH": path}
    stdout = STDERR if quiet_stdout else None
    return subprocess.run(command, env=environment, stdout=stdout, check=False).returncode


def _folders() -> list[Path]:
    """The working directory, and the checkout that this package is installed from."""
    return [Path.cwd(), Path(__file__).resolve().parents[3]]


def _is_there(module: str) -> bool:
    return bool(importlib.util.find_spec(module)) or any((folder / module).is_dir() for folder in _folders())

"""The program ``crisp``: from a trained network and a user's classes to a verified sparse accelerator.

A command's module is imported when the command is used: help, the version and mistyped names take a fraction
of the time that PyTorch takes to be imported.
"""

import sys
from contextlib import nullcontext
from dataclasses import dataclass
from importlib import import_module
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperCommand, TyperGroup

from crisp_cli.core_option import with_core_options
from crisp_cli.endings import run_command_line
from crisp_cli.statuses import INTERRUPTED
from crisp_cli.terminal import messages, results
from crisp_files.output_lock import locked_output

_SOFTWARE, _PROGRAMS, _HARDWARE, _CHECKS = "Network", "Programs", "Hardware", "Checks of the hardware"
_DEVELOPMENT = "Development"


class CrispCommand(TyperCommand):
    """Has what it writes, its parameter ``out``, for itself while it runs."""

    def invoke(self, ctx: typer.Context) -> object:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Run the command of ``ctx``."""
        out = ctx.params.get("out")
        with nullcontext() if out is None else locked_output(out):
            return super().invoke(ctx)


@dataclass(frozen=True)
class Command:
    """What is known of a command before its module is imported.

    Attributes
    ----------
    function : ``module:name`` below `crisp_cli.commands`.
    panel : heading that it stands under.
    summary : first line of the function's docstring.
    """

    function: str
    panel: str
    summary: str

    def load(self, name: str) -> Any:
        """Import the function and return it as a command of that name."""
        module, _, function = self.function.partition(":")
        single = typer.Typer(add_completion=False, rich_markup_mode="markdown")
        loaded = getattr(import_module(f"crisp_cli.commands.{module}"), function)
        single.command(name, cls=CrispCommand)(with_core_options(loaded))
        return typer.main.get_command(single)


COMMANDS = {
    "demo": Command(
        "demo:demo",
        _SOFTWARE,
        "Prune a network for a few classes and run it, layer by layer, on the generated RTL.",
    ),
    "train": Command(
        "train:train", _SOFTWARE, "Train a network and write a checkpoint, every figure and a summary."
    ),
    "evaluate": Command("evaluate:evaluate", _SOFTWARE, "Measure top-1 accuracy on the test images."),
    "prune": Command(
        "prune:prune", _SOFTWARE, "Prune a network for a few classes, to blocks with N:M sparsity inside."
    ),
    "quantize": Command(
        "quantize:quantize",
        _SOFTWARE,
        "Quantize a model to int8 and export the packed network that the hardware runs.",
    ),
    "inspect": Command(
        "inspect:inspect",
        _SOFTWARE,
        "Show what a network consists of, its sparsity patterns, and the cycles that it takes.",
    ),
    "export": Command(
        "export:export",
        _SOFTWARE,
        "Write a model in a format that other tools read, or read a network of theirs.",
    ),
    "index": Command(
        "index:index", _SOFTWARE, "List all results below a directory on one page, users side by side."
    ),
    "accuracy": Command(
        "accuracy:accuracy", _SOFTWARE, "Compare CRISP with every baseline on users of a few classes."
    ),
    "synthetic": Command(
        "synthetic:synthetic",
        _SOFTWARE,
        "Build an int8 network of a well-known shape, from a seed, with any hybrid sparsity.",
    ),
    "compile": Command(
        "programs.compile:compile_program",
        _PROGRAMS,
        "Compile a quantized network into a program for the accelerator.",
    ),
    "disasm": Command("programs.disasm:disasm", _PROGRAMS, "Show the commands of a program, one line each."),
    "network": Command(
        "programs.network:network",
        _PROGRAMS,
        "Run a whole network on the accelerator, and compare every layer's output bit for bit.",
    ),
    "verilog": Command(
        "hardware.verilog:verilog",
        _HARDWARE,
        "Write the accelerator, with a C header of its registers, or its core alone as Verilog.",
    ),
    "synth": Command(
        "hardware.synth:synth",
        _HARDWARE,
        "Synthesize the core or the accelerator for an FPGA board: area, clock frequency, critical path.",
    ),
    "cosim": Command(
        "hardware.cosim:cosim",
        _HARDWARE,
        "Run every layer of a packed network on the RTL and compare it bit for bit with the golden model.",
    ),
    "random-layers": Command(
        "checks.random_layers:random_layers",
        _CHECKS,
        "Run many random layers on the whole core, in batches, and demand golden's bits and cycles.",
    ),
    "random-programs": Command(
        "checks.random_programs:random_programs",
        _CHECKS,
        "Run many random programs on golden's simulator and on the RTL; compare the whole memory after each.",
    ),
    "try-simulator": Command(
        "checks.try_simulator:try_simulator",
        _CHECKS,
        "See whether the simulator works here, by a model of a single wire; say nothing if it does.",
    ),
    "bench": Command(
        "checks.bench:bench",
        _CHECKS,
        "Run the benches that a module lists; all of them run, even if one fails.",
    ),
    "write-page": Command(
        "write_page:write_page",
        _DEVELOPMENT,
        "Write a page of the documentation from the declaration of what it is about.",
    ),
}


class CrispGroup(TyperGroup):
    """Imports the command that is used, and ends as `run_command_line` says."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command that ``args`` begin with; what the group lists is its name and summary alone."""
        name, command, rest = super().resolve_command(ctx, args)
        return name, COMMANDS[name].load(name) if name else command, rest

    def invoke(self, ctx: typer.Context) -> object:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Run the command of ``ctx``."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            messages.print("interrupted")
            raise typer.Exit(INTERRUPTED) from None

    def main(self, args: list[str] | None = None, *_: Any, **options: Any) -> NoReturn:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Run a command line, by default that of the process, and exit."""
        options.pop("standalone_mode", None)
        run_command_line(super().main, sys.argv[1:] if args is None else args, **options)


app = typer.Typer(
    cls=CrispGroup,
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_show_locals=False,
    help="""Prune a network for a few classes, quantize it, and run it on a sparse tensor core.

The whole way at once: `crisp demo --classes sneaker,bag,coat`

A network of a well-known shape on the whole accelerator: `crisp network resnet50`

Step by step:

1. `crisp train --data fashion-mnist --out build/model` (or take the shipped checkpoint)
2. `crisp prune --classes sneaker,bag,coat --out build/pruned`
3. `crisp quantize build/pruned --out build/network`
4. `crisp inspect build/network --preset edge`
5. `crisp export build/network --out network.onnx` (for other tools), and back: `crisp compile network.onnx`
6. `crisp cosim build/network --inputs build/demo/inputs.safetensors`
7. `crisp compile build/network -o program.crisp` and `crisp disasm program.crisp`
8. `crisp verilog --preset edge` and `crisp synth --board ulx3s-85f --preset small`

Wherever there is `--preset`, `--config my_core.toml` takes a core of your own sizes.

`crisp COMMAND --help` explains each. Results go to stdout (`--json` for machines), progress to stderr.
The exit status is 0 for success, 1 if a check or a tool fails, 2 for an input that cannot be used, an output
that cannot be written or a tool that is not installed, 130 if it was interrupted.""",
)


def _say_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        results.print(f"crisp {version('crisp-stc')}")
        raise typer.Exit


@app.callback()
def _crisp(
    version: Annotated[
        bool, typer.Option("--version", callback=_say_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    pass


def _placeholder() -> None:
    """Stand in the list of commands for one that is not imported."""


for _name, _command in COMMANDS.items():
    app.command(_name, help=_command.summary, rich_help_panel=_command.panel)(_placeholder)

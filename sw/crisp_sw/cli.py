"""The program ``crisp``: from a trained network and a user's classes to a verified sparse accelerator."""

import typer
from typer.core import TyperGroup

from crisp_golden.errors import CrispError
from crisp_sw.commands.accuracy import accuracy
from crisp_sw.commands.compile import compile_program
from crisp_sw.commands.demo import demo
from crisp_sw.commands.disasm import disasm
from crisp_sw.commands.evaluate import evaluate
from crisp_sw.commands.export import export
from crisp_sw.commands.hardware import cosim, synth, verilog
from crisp_sw.commands.inspect import inspect
from crisp_sw.commands.network import network
from crisp_sw.commands.prune import prune
from crisp_sw.commands.quantize import quantize
from crisp_sw.commands.terminal import messages
from crisp_sw.commands.train import train

USER_ERROR = 2


class CrispGroup(TyperGroup):
    """Turns errors that the user can mend into one message and exit status 2."""

    def invoke(self, ctx: typer.Context) -> object:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Run the command of ``ctx``."""
        try:
            return super().invoke(ctx)
        except CrispError as error:
            message = str(error)
        except OSError as error:
            if error.filename is None:
                raise
            message = f"{error.filename}: {error.strerror}"
        messages.print("[bold red]error:[/bold red]", end=" ")
        messages.print(message, markup=False)
        raise typer.Exit(USER_ERROR)


app = typer.Typer(
    cls=CrispGroup,
    no_args_is_help=True,
    add_completion=False,
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

`crisp COMMAND --help` explains each. Results go to stdout (`--json` for machines), progress to stderr.
The exit status is 0 for success, 1 if a check fails, 2 for an input that cannot be used.""",
)

_SOFTWARE, _PROGRAMS, _HARDWARE = "Network", "Programs", "Hardware"
for _command in (demo, train, evaluate, prune, quantize, inspect, export, accuracy):
    app.command(rich_help_panel=_SOFTWARE)(_command)
app.command("compile", rich_help_panel=_PROGRAMS)(compile_program)
for _command in (disasm, network):
    app.command(rich_help_panel=_PROGRAMS)(_command)
for _command in (verilog, synth, cosim):
    app.command(rich_help_panel=_HARDWARE)(_command)

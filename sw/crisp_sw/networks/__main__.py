"""``python -m crisp_sw.networks``: see `crisp_sw.networks.command`."""

import sys

import typer

from crisp_sw.commands.endings import run_command_line
from crisp_sw.networks.command import network

if __name__ == "__main__":
    app = typer.Typer(add_completion=False)
    app.command()(network)
    run_command_line(typer.main.get_command(app).main, sys.argv[1:], prog_name="python -m crisp_sw.networks")

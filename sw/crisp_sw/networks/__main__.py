"""``python -m crisp_sw.networks``: see `crisp_sw.networks.command`."""

import sys

import typer

from crisp_golden.errors import CrispError
from crisp_sw.networks.command import network

if __name__ == "__main__":
    try:
        typer.run(network)
    except CrispError as error:
        sys.exit(f"error: {error}")

"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

DEFAULT_CHECKPOINT = "small_resnet_fashion_mnist"

AsJson = Annotated[bool, typer.Option("--json", help="Print the result as one JSON document on stdout.")]
Checkpoint = Annotated[str, typer.Argument(help="Checkpoint file, or the name of a shipped one.")]
Classes = Annotated[
    str, typer.Option("--classes", "-c", help="The user's classes: names, ids or indices, comma-separated.")
]
Data = Annotated[
    str | None,
    typer.Option(
        "--data",
        "-d",
        help="Data set: fashion-mnist, cifar-10, cifar-100, digits, or the path of an image folder.",
        show_default="the one of the checkpoint",
    ),
]
Output = Annotated[Path, typer.Option("--out", "-o", help="Where to write.")]
PresetName = Annotated[
    str, typer.Option("--preset", "-p", help="Size of the core: tiny, small, ulx3s, edge or large.")
]
Seed = Annotated[int, typer.Option(help="Of everything random.")]
Simulator = Annotated[str, typer.Option("--sim", help="verilator, or icarus.")]

"""Options that several commands share, and what they stand for."""

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from crisp_cli.terminal import messages
from crisp_sw.choices import Unreadable
from crisp_sw.report.times import require_clock
from crisp_sw.results.steps import Source
from crisp_sw.seeds import require_seed

if TYPE_CHECKING:
    from crisp_sw.flows.inputs.float_models import ForeignWeights

DEFAULT_CHECKPOINT = "small_resnet_fashion_mnist"


AsJson = Annotated[bool, typer.Option("--json", help="Print the result as one JSON document on stdout.")]
Cases = Annotated[int, typer.Option(help="How many random cases to run.", min=1, max=1_000_000_000)]
Checkpoint = Annotated[
    str | None,
    typer.Argument(help="Checkpoint file, or the name of a shipped one.", show_default=DEFAULT_CHECKPOINT),
]
Classes = Annotated[
    str, typer.Option("--classes", "-c", help="The user's classes: names, ids or indices, comma-separated.")
]
Device = Annotated[str, typer.Option(help="What the network runs on: cpu, cuda, cuda:1, ...")]
Clock = Annotated[
    float,
    typer.Option(help="Clock in MHz at which cycles are stated as times, too.", callback=require_clock),
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
FirstCase = Annotated[
    int,
    typer.Option("--first", help="Number of the first case; resume a run here.", min=0, max=1_000_000_000),
]
ImageSize = Annotated[int | None, typer.Option(help="Scale images to this edge.", min=1)]
ModelName = Annotated[
    str | None,
    typer.Option("--model", help="Architecture of --weights: resnet50, vgg16-bn, ..."),
]
Normalize = Annotated[
    str | None,
    typer.Option(
        help="Mean and deviation of the images for --weights: imagenet, or those of the data.",
        show_default="imagenet, but data for other than 3 channels",
    ),
]
Seed = Annotated[int, typer.Option(help="Where all random numbers start.", callback=require_seed)]
SkipUnreadable = Annotated[
    Unreadable, typer.Option(help="What a missing or damaged picture of a folder means.")
]
Simulator = Annotated[
    Literal["verilator", "icarus"], typer.Option("--sim", help="What the RTL is simulated with.")
]
Waves = Annotated[
    bool, typer.Option("--waves", help="Record all signals as FST; WAVES=1 in the environment does the same.")
]
Weights = Annotated[
    Path | None,
    typer.Option(help="State dict to take instead: safetensors or .pth. Needs --model and --data."),
]


def foreign_weights(
    weights: Path | None,
    model: str | None,
    image_size: int | None,
    normalize: str | None,
    *,
    path: str | None = None,
) -> "ForeignWeights | None":
    """What the options about a state dict stand for.

    Parameters
    ----------
    path : of a model that was given beside them.

    Raises
    ------
    SourceError : there is a state dict without an architecture or the reverse, a state dict and another
        model, or an option of state dicts without one.
    """
    from crisp_sw.flows.inputs.float_models import ForeignWeights, SourceError

    if (weights is None) != (model is None):
        raise SourceError("--weights and --model belong together; expected both or neither")
    if weights is None or model is None:
        if image_size is not None:
            raise SourceError(
                f"--image-size {image_size} belongs to --weights; expected it there only, as other models "
                "know the size of their images"
            )
        if normalize is not None:
            raise SourceError(
                f"--normalize {normalize} belongs to --weights; expected it there only, as other models know "
                "how their images are normalised"
            )
        return None
    if path is not None:
        raise SourceError(f"{path} and --weights {weights} are two models; expected one of them")
    return ForeignWeights(
        weights=weights,
        model=model,
        image_size=image_size,
        normalize=normalize,  # pyright: ignore[reportArgumentType]
    )


def source_of(
    path: str | None,
    data: str | None,
    foreign: "ForeignWeights | None",
    *,
    channels: int,
    **options: Any,
) -> Source:
    """Where model and images come from, for a step's figures.

    Parameters
    ----------
    channels : of the images: they decide which normalization those of a state dict get.
    options : others that the result depends on, such as the device.
    """
    if foreign is None:
        return Source(checkpoint=path, data=data, **options)
    used = {**vars(foreign.as_used(channels)), "weights": str(foreign.weights)}
    return Source(**used, data=data, **options)


def command_line() -> str:
    """The command under way, as it can be typed again."""
    return shlex.join(["crisp", *sys.argv[1:]])


def say_skipped(skipped: Sequence[str]) -> None:
    """Name the files that were left out, on stderr."""
    for problem in skipped:
        messages.print(f"skipped {problem}")


def say_where_it_starts(state: Path, resume: bool) -> None:
    """Say on stderr, where it is not what the user may expect, whether a run starts from the beginning."""
    if resume and not state.exists():
        messages.print(f"no interrupted run in {state}: starting from the beginning")
    elif not resume and state.exists():
        messages.print(
            f"starting from the beginning: the interrupted run in {state}, which --resume would continue, is "
            "dropped",
        )

"""The picture of the data's way, from functions and the types that pass between them."""

import inspect
import re
from collections.abc import Callable
from importlib import import_module
from typing import Any

from tools.pictures.diagram import Arrow, Box, Diagram
from tools.pictures.hardware import PictureError

STEPS = {
    "prune": (
        "crisp_sw.prune.run.pruner:prune_for_classes",
        Box(0, 0, "prune", "class-aware, blocks and N:M"),
    ),
    "quantize": (
        "crisp_sw.quantize.post_training:quantize_model",
        Box(1, 0, "quantize", "int8, one rounding a layer"),
    ),
    "pack": ("crisp_sw.exchange.packed.save:save_network", Box(1, -1, "packed network", "as files")),
    "golden": (
        "crisp_golden.arithmetic.inference:run_network",
        Box(2, -1, "golden model", "what the result must be"),
    ),
    "compile": (
        "crisp_sw.compile.compiler:compile_network",
        Box(2, 0, "compile", "fused, placed, scheduled"),
    ),
    "predict": ("crisp_sw.programs.costs:program_figures", Box(3, -1, "cycle model", "what it must take")),
    "drive": (
        "crisp_sw.driver.accelerator:Accelerator.load",
        Box(3, 0, "driver", "golden's simulator, RTL, board"),
    ),
}
"""Each step: its function, and its box."""

PASSES = (
    ("prune", "quantize"),
    ("quantize", "pack"),
    ("quantize", "golden"),
    ("quantize", "compile"),
    ("compile", "predict"),
    ("compile", "drive"),
)


def data_flow_picture() -> Diagram:
    """Steps as boxes; an arrow says what type the one returns and the other takes.

    Raises
    ------
    PictureError : a step does not take what the one before it returns.
    """
    functions = {name: _function(place) for name, (place, _) in STEPS.items()}
    boxes = {
        name: Box(box.column, box.row + 1, box.title, box.text, (_short(STEPS[name][0]),))
        for name, (_, box) in STEPS.items()
    }
    arrows = [Arrow(giver, taker, _passed(functions, giver, taker)) for giver, taker in PASSES]
    return Diagram("The way of the data: from a network to the accelerator", boxes, arrows)


def _function(place: str) -> Callable[..., Any]:
    module, _, name = place.partition(":")
    found: Any = import_module(module)
    for part in name.split("."):
        found = getattr(found, part)
    return found


def _short(place: str) -> str:
    return place.partition(":")[2] + "()"


def _passed(functions: dict[str, Callable[..., Any]], giver: str, taker: str) -> str:
    """The type that passes; a pruned model passes as the module inside its result."""
    returned = inspect.signature(functions[giver]).return_annotation
    taken = [one.annotation for one in inspect.signature(functions[taker]).parameters.values()]
    types = [returned, *inspect.get_annotations(returned).values()]
    for one in types:
        if one in taken:
            return re.sub("(?<=[a-z])(?=[A-Z])", "\n", one.__name__)
    raise PictureError(f"{taker} takes none of what {giver} returns: {returned}")

"""The state of the sparsifier, checked before any of it is taken over."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from crisp_sw.prune.errors import MaskError, PruneError
from crisp_sw.prune.masks.mask_checks import require_fitting
from crisp_sw.prune.masks.masked_layer import MaskedLayer
from crisp_sw.prune.sparsifier.sparsifier_config import module_name


@dataclass(frozen=True, kw_only=True)
class SparsifierState:
    """What a sparsifier needs to go on from where another one was.

    Attributes
    ----------
    masks : by layer.
    gradients : accumulated since the last step, by layer; empty if there are none.
    levels : the sparsity that a scheduler set, by layer.
    steps : done.
    frozen : whether the masks are final.
    """

    masks: dict[str, Tensor]
    gradients: dict[str, Tensor]
    levels: dict[str, float]
    steps: int
    frozen: bool


def read_state(values: Mapping[str, Any], layers: Mapping[str, MaskedLayer]) -> SparsifierState:
    """Return what `CrispSparsifier.state_dict` gave, if it fits ``layers``.

    Raises
    ------
    MaskError : it is none, or fits others; the message names the first fault.
    """
    try:
        groups = {module_name(group["tensor_fqn"]): group for group in values["groups"]}
        weights = {module_name(name): entries for name, entries in values["state"].items()}
        state = SparsifierState(
            masks={name: entries["mask"] for name, entries in weights.items()},
            gradients={name: value["gradient"] for name, value in weights.items() if "gradient" in value},
            levels={name: float(group["sparsity_level"]) for name, group in groups.items()},
            steps=int(values["steps"]),
            frozen=bool(values["frozen"]),
        )
    except (AttributeError, KeyError, OverflowError, PruneError, TypeError, ValueError) as error:
        raise MaskError(
            f"the state is none that `state_dict` gave ({type(error).__name__}: {error})"
        ) from error
    if state.steps < 0:
        raise MaskError(f"the state: `steps` must be 0 or more, not {state.steps}")
    for name, level in state.levels.items():
        if not 0 <= level <= 1:
            raise MaskError(f"the state: the sparsity level of {name!r} must be from 0 to 1, not {level}")
    require_fitting(state.masks, layers, source="the state", patterns=groups)
    for name, layer in layers.items() if state.gradients else ():
        gradient = state.gradients.get(name)
        shape = getattr(gradient, "shape", ())
        if gradient is None or shape != layer.weight.shape or not gradient.is_floating_point():
            raise MaskError(
                f"the state: the gradient of layer {name!r} is absent or has the wrong shape, {list(shape)}; "
                f"expected {list(layer.weight.shape)} of real numbers"
            )
    return state

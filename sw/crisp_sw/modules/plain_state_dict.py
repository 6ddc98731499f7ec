"""State dicts as a plain network has them: without the wrappers and masks that they were saved with."""

import re
from collections import Counter
from collections.abc import Collection, Mapping
from itertools import takewhile

from torch import Tensor, nn

from crisp_sw.errors import CheckpointError

_WRAPPERS = {"_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module"}
"""Parts of names that `torch.compile` and others put before those of the module within, at any depth."""
_MASKED = (
    (re.compile(r"((?:.*\.)?)(\w+)_orig"), "{}{}_mask"),  # torch.nn.utils.prune
    # the masks of this package; torch.ao.pruning saves none
    (re.compile(r"((?:.*\.)?)parametrizations\.(\w+)\.original"), "{}parametrizations.{}.0.mask"),
)
"""How a masked tensor is named, with its layer and its own name, and how the mask beside it."""
_PARAMETRIZED = re.compile(r"(?:.*\.)?parametrizations\.\w+\.")
_COMPUTED_FROM = ("weight_orig", "weight_mask", "weight_g", "weight_v", "weight_u")
_COUNTER, _MEAN = "num_batches_tracked", "running_mean"


def state_tensors(model: nn.Module) -> dict[str, Tensor]:
    """Return the state dict of ``model``.

    Raises
    ------
    CheckpointError : it holds something else than tensors, as `get_extra_state` may add, which no file of
        tensors can hold.
    """
    state = model.state_dict()
    for name, value in state.items():
        if not isinstance(value, Tensor):
            raise CheckpointError(
                f"the state {name!r} of {type(model).__name__} is a {type(value).__name__}, which cannot be "
                "saved; expected tensors alone"
            )
    return state


def plain_state_dict(tensors: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return ``tensors`` under the names of a plain network, as far as there is no doubt about them.

    Taken off is what DataParallel, `AveragedModel`, `torch.compile` and training frameworks put before all
    names. A weight that was saved beside its mask is multiplied by it. BatchNorm's count of batches, which
    inference does not read, is added where an old file lacks it.

    Parameters
    ----------
    expected : the state dict of the network.
    """
    if tensors.keys() == expected.keys():  # also where a network's own names look like those of masks
        return dict(tensors)
    plain = with_masks_applied(_without_prefix(_without_wrappers(tensors, expected), expected))
    counters = {
        name: value
        for name, value in expected.items()
        if name.endswith(_COUNTER) and name.removesuffix(_COUNTER) + _MEAN in plain
    }
    return {**counters, **plain}


def with_masks_applied(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return ``tensors`` with each weight times the mask that is beside it, under its own name."""
    plain = dict(tensors)
    tensors_of = Counter(match.group() for name in tensors if (match := _PARAMETRIZED.match(name)))
    for name, value in tensors.items():
        for masked, mask_name in _MASKED:
            match = masked.fullmatch(name)
            if match is None:
                continue
            layer, weight = match.groups()
            mask = mask_name.format(layer, weight)
            if mask not in tensors or tensors[mask].shape != value.shape:
                continue
            if tensors_of[f"{layer}parametrizations.{weight}."] <= 2:  # no further parametrization
                del plain[name], plain[mask]
                plain[layer + weight] = value * tensors[mask].to(value.dtype) + 0.0  # no negative zeros
    return plain


def why_names_differ(found: Collection[str], expected: Collection[str]) -> str | None:
    """Return why ``found`` are not the names that a plain network is ``expected`` to have, if they tell."""
    for name in found:
        if name in expected:
            continue
        if ".parametrizations." in f".{name}" or name.endswith(_COMPUTED_FROM):
            return (
                f"{name!r} is no weight, but what one is computed from; expected weights as they are after "
                "`remove_parametrizations`, `remove_weight_norm` or the like"
            )
        prefix, _, rest = name.partition(".")
        if rest in expected:
            return f"only some names begin with '{prefix}.'; expected all, or none"
    return None


def _without_wrappers(tensors: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> dict[str, Tensor]:
    wrappers = _WRAPPERS - {part for name in expected for part in name.split(".")}
    plain = {
        ".".join(part for part in name.split(".") if part not in wrappers): value
        for name, value in tensors.items()
    }
    if len(plain) < len(tensors):  # one network with and without a wrapper
        return dict(tensors)
    if "n_averaged" not in expected:
        plain.pop("n_averaged", None)  # of AveragedModel
    return plain


def _without_prefix(tensors: dict[str, Tensor], expected: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Take off what all names begin with, up to a dot, but for what the network's own names begin with."""
    prefix = _shared_prefix(tensors).removesuffix(_shared_prefix(expected))
    if not prefix or any(name in expected for name in tensors):
        return tensors
    stripped = {name.removeprefix(prefix): value for name, value in tensors.items()}
    masked = {_MASKED[0][0].sub(r"\1\2", _MASKED[1][0].sub(r"\1\2", name)) for name in stripped}
    return stripped if any(name in expected for name in masked) else tensors


def _shared_prefix(names: Collection[str]) -> str:
    """Return the parts, each with its dot, that all names begin with; the last part of a name is none."""
    columns = zip(*(name.split(".")[:-1] for name in names), strict=False)
    return "".join(f"{column[0]}." for column in takewhile(lambda column: len(set(column)) == 1, columns))

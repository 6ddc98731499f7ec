"""Cuts a classifier down to the user's classes."""

import copy
from collections.abc import Sequence

from torch import nn
from torch.nn.utils import parametrize

from crisp_sw.prune.errors import PruneError


def restrict_classifier(
    model: nn.Module, class_indices: Sequence[int], *, layer_name: str | None = None
) -> nn.Module:
    """Return a copy of ``model`` whose outputs are only ``class_indices``, in that order.

    Keeps those rows of the weight and bias of the last Linear layer (in order of registration), so the copy's
    logits are the original's logits of these classes. ``model`` is not changed.

    Parameters
    ----------
    class_indices : different outputs of the model, at least one.
    layer_name : of the classifier, where it is not the last Linear.

    Raises
    ------
    PruneError : there is no such layer, or the indices do not fit it.
    """
    restricted = copy.deepcopy(model)
    name, layer = _classifier(restricted, layer_name)
    if parametrize.is_parametrized(layer):
        raise PruneError(f"the classifier {name!r} is parametrized; expected a plain Linear layer")
    _check_indices(name, layer, class_indices)
    rows = list(class_indices)
    layer.weight = nn.Parameter(layer.weight.detach()[rows].clone(), layer.weight.requires_grad)
    if layer.bias is not None:
        layer.bias = nn.Parameter(layer.bias.detach()[rows].clone(), layer.bias.requires_grad)
    layer.out_features = len(rows)
    return restricted


def _classifier(model: nn.Module, layer_name: str | None) -> tuple[str, nn.Linear]:
    linears = {name: module for name, module in model.named_modules() if isinstance(module, nn.Linear)}
    if not linears:
        raise PruneError("the model has no Linear layer; expected one as the classifier")
    name = list(linears)[-1] if layer_name is None else layer_name
    if name not in linears:
        raise PruneError(f"no Linear layer {name!r}; expected one of {', '.join(linears)}")
    return name, linears[name]


def _check_indices(name: str, layer: nn.Linear, class_indices: Sequence[int]) -> None:
    if not class_indices or len(set(class_indices)) != len(class_indices):
        raise PruneError(f"`class_indices` must be one or more different classes, not {list(class_indices)}")
    for index in class_indices:
        if not 0 <= index < layer.out_features:
            raise PruneError(
                f"class {index} is not an output of {name!r}; expected 0 to {layer.out_features - 1}"
            )

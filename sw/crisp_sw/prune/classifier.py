"""The layer that tells classes apart, and cutting it down to the user's."""

from collections.abc import Mapping, Sequence

from torch import nn
from torch.nn.utils import parametrize

from crisp_sw.module_wrappers import module_copy, unwrapped
from crisp_sw.prune.errors import PruneError


def restrict_classifier(
    model: nn.Module, class_indices: Sequence[int], *, layer_name: str | None = None
) -> nn.Module:
    """Return a copy of ``model``, without wrappers, whose outputs are only ``class_indices``, in that order.

    Keeps those rows of the classifier's weight and bias, so the copy's logits are the original's logits of
    these classes. ``model`` is not changed.

    Parameters
    ----------
    class_indices : different outputs of the model, at least one.
    layer_name : of the classifier, a Linear or a Conv2d of kernel 1, where it is not the last Linear (in
        order of registration) or, in a model without any, the last Conv2d.

    Raises
    ------
    PruneError : there is no such layer, or the indices do not fit it.
    """
    restricted = module_copy(unwrapped(model))
    name, layer = _classifier(restricted, layer_name)
    if parametrize.is_parametrized(layer):
        raise PruneError(f"the classifier {name!r} is parametrized; expected a plain layer")
    _check_indices(name, len(layer.weight), class_indices)
    rows = list(class_indices)
    layer.weight = nn.Parameter(layer.weight.detach()[rows].clone(), layer.weight.requires_grad)
    if layer.bias is not None:
        layer.bias = nn.Parameter(layer.bias.detach()[rows].clone(), layer.bias.requires_grad)
    if isinstance(layer, nn.Linear):
        layer.out_features = len(rows)
    else:
        layer.out_channels = len(rows)
    return restricted


def classifier_name(layers: Mapping[str, nn.Module]) -> str | None:
    """Return the name of the last Linear of ``layers``, or of the last Conv2d if that is one for classes.

    None where there is neither: no Linear, and a last Conv2d with a kernel of several pixels or with groups.
    """
    linears = [name for name, module in layers.items() if isinstance(module, nn.Linear)]
    if linears:
        return linears[-1]
    convolutions = [name for name, module in layers.items() if isinstance(module, nn.Conv2d)]
    return convolutions[-1] if convolutions and _classifies(layers[convolutions[-1]]) else None


def _classifies(module: nn.Module) -> bool:
    """Whether every output of ``module`` is a weighted sum of all inputs at one place."""
    pointwise = isinstance(module, nn.Conv2d) and module.kernel_size == (1, 1) and module.groups == 1
    return pointwise or isinstance(module, nn.Linear)


def _classifier(model: nn.Module, layer_name: str | None) -> tuple[str, nn.Linear | nn.Conv2d]:
    layers = dict(model.named_modules())
    name = classifier_name(layers) if layer_name is None else layer_name
    if name is None:
        raise PruneError(
            "the model has no Linear layer, and does not end in a Conv2d of kernel 1; expected a classifier"
        )
    layer = layers.get(name)
    if not isinstance(layer, nn.Linear | nn.Conv2d) or not _classifies(layer):
        fitting = [name for name, module in layers.items() if _classifies(module)]
        raise PruneError(
            f"{name!r} is no classifier; expected one of {', '.join(fitting) or '(there is none)'}"
        )
    return name, layer


def _check_indices(name: str, outputs: int, class_indices: Sequence[int]) -> None:
    if not class_indices or len(set(class_indices)) != len(class_indices):
        raise PruneError(f"`class_indices` must be one or more different classes, not {list(class_indices)}")
    for index in class_indices:
        if not 0 <= index < outputs:
            raise PruneError(f"class {index} is not an output of {name!r}; expected 0 to {outputs - 1}")

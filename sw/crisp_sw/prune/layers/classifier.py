"""The layer that tells classes apart, and cutting it down to the user's."""

from collections.abc import Iterable, Mapping, Sequence, Set

from torch import nn
from torch.nn.parameter import UninitializedParameter
from torch.nn.utils import parametrize

from crisp_sw.modules.wrappers import module_copy, unwrapped
from crisp_sw.prune.errors import PruneError
from crisp_sw.prune.layers.layer_roles import output_layer
from crisp_sw.prune.settings.value_checks import as_index, require_text


def restrict_classifier(
    model: nn.Module, class_indices: Sequence[int], *, layer_name: str | None = None
) -> nn.Module:
    """Return a copy of ``model``, without wrappers, whose outputs are only ``class_indices``, in that order.

    Keeps those rows of the classifier's weight and bias, so the copy's logits are the original's logits of
    these classes. ``model`` is not changed.

    Parameters
    ----------
    class_indices : different outputs of the model, at least one; a list, a range, an array or the like.
    layer_name : of the classifier, a Linear or a Conv2d of kernel 1; None for the one that makes the model's
        outputs, as of :func:`crisp_sw.prune.layers.layer_roles.output_layer`.

    Raises
    ------
    PruneError : there is no such layer, or it cannot be told which it is, or the indices do not fit it.
    """
    restricted = module_copy(unwrapped(model))
    name, layer = _classifier(restricted, layer_name)
    if isinstance(layer.weight, UninitializedParameter):
        raise PruneError(f"the classifier {name!r} has no weights yet; expected a model that has run once")
    if parametrize.is_parametrized(layer):
        raise PruneError(f"the classifier {name!r} is parametrized; expected a plain layer")
    if not isinstance(layer._parameters.get("weight"), nn.Parameter):
        raise PruneError(f"a hook computes the weight of the classifier {name!r}; expected a plain layer")
    rows = _rows(name, len(layer.weight), class_indices)
    layer.weight = nn.Parameter(layer.weight.detach()[rows].clone(), layer.weight.requires_grad)
    if layer.bias is not None:
        layer.bias = nn.Parameter(layer.bias.detach()[rows].clone(), layer.bias.requires_grad)
    if isinstance(layer, nn.Linear):
        layer.out_features = len(rows)
    else:
        layer.out_channels = len(rows)
    return restricted


def classifies(module: nn.Module) -> bool:
    """Whether every output of ``module`` is a weighted sum of all inputs at one place."""
    pointwise = isinstance(module, nn.Conv2d) and module.kernel_size == (1, 1) and module.groups == 1
    return pointwise or isinstance(module, nn.Linear)


def _classifier(model: nn.Module, layer_name: str | None) -> tuple[str, nn.Linear | nn.Conv2d]:
    if layer_name is not None:
        require_text("layer_name", layer_name)
    layers = dict(model.named_modules())
    fitting = ", ".join(name for name, module in layers.items() if classifies(module)) or "(there is none)"
    if layer_name is None:
        layer_name = output_layer(model, otherwise=f"its name as `layer_name`, one of {fitting}")
    layer = layers.get(layer_name)
    if not isinstance(layer, nn.Linear | nn.Conv2d) or not classifies(layer):
        raise PruneError(f"{layer_name!r} is no classifier; expected one of {fitting}")
    return layer_name, layer


def _rows(name: str, outputs: int, class_indices: Sequence[int]) -> list[int]:
    ordered = isinstance(class_indices, Iterable) and not isinstance(class_indices, str | Set | Mapping)
    rows = [as_index("class_indices", index) for index in class_indices] if ordered else []
    if not rows or len(set(rows)) != len(rows):
        shown = rows or class_indices
        raise PruneError(f"`class_indices` must be a list of one or more different classes, not {shown!r}")
    for index in rows:
        if not 0 <= index < outputs:
            raise PruneError(f"class {index} is not an output of {name!r}; expected 0 to {outputs - 1}")
    return rows

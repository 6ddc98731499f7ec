"""The network inside of what users hand over: wrappers that train, average or compile one, and its copies."""

import copy
from collections.abc import Iterator
from typing import Any

from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from crisp_sw.errors import ModelError

_HOLDERS = (nn.DataParallel, nn.parallel.DistributedDataParallel, AveragedModel)


def unwrapped(model: nn.Module) -> nn.Module:
    """Return the network within DataParallel, DistributedDataParallel, AveragedModel and `torch.compile`.

    The network's layers then have the names of its own code, whatever was put around it. Not a copy; a
    network without a wrapper is returned as it is.

    Raises
    ------
    ModelError : ``model`` is no module.
    """
    if not isinstance(model, nn.Module):
        found = f"the class {model.__name__}" if isinstance(model, type) else f"a {type(model).__name__}"
        raise ModelError(f"a network must be a torch.nn.Module, not {found}")
    while (inner := _inner(model)) is not None:
        model = inner
    return model


def _inner(model: nn.Module) -> nn.Module | None:
    # The class that `torch.compile` returns cannot be named without importing its compiler.
    return model.module if isinstance(model, _HOLDERS) else dict(model.named_children()).get("_orig_mod")


def module_copy(model: nn.Module) -> nn.Module:
    """Return a deep copy of ``model``, in which tensors that were computed are constants.

    Such tensors are left by a forward pass, as `torch.nn.utils.weight_norm` leaves the weight; with their
    history, PyTorch refuses to copy them.

    Raises
    ------
    ModelError : something in ``model`` cannot be copied, such as a lock or a tensor of another program.
    """
    kept = (values for module in model.modules() for values in vars(module).values())
    computed = (tensor for tensor in _tensors(list(kept)) if not tensor.is_leaf)
    try:
        return copy.deepcopy(model, {id(tensor): tensor.detach().clone() for tensor in computed})
    except Exception as error:  # copying runs the code of whatever is in the model, which may raise anything
        raise ModelError(
            f"the {type(model).__name__} cannot be copied ({type(error).__name__}: {error}); expected a "
            "network that `copy.deepcopy` takes"
        ) from error


def _tensors(values: Any) -> Iterator[Tensor]:
    """Yield the tensors in nested containers."""
    if isinstance(values, Tensor):
        yield values
    elif isinstance(values, dict):
        yield from _tensors(list(values.values()))
    elif isinstance(values, list | tuple | set):
        for value in values:
            yield from _tensors(value)

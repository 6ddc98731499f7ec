"""What saved runs have in common, of training and of pruning: weights and momentum, and whose run it is."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from crisp_sw.errors import CheckpointError

_MODEL, _MOMENTUM = "model.", "momentum."


def run_tensors(model: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Return the model's state dict and the momentum of its parameters, under names that tell them apart."""
    tensors = {_MODEL + name: value for name, value in model.state_dict().items()}
    for name, parameter in model.named_parameters():
        momentum = optimizer.state[parameter].get("momentum_buffer")
        if momentum is not None:
            tensors[_MOMENTUM + name] = momentum
    return tensors


def saved_weights(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the state dict among ``tensors``, as of `run_tensors`."""
    return {name.removeprefix(_MODEL): value for name, value in tensors.items() if name.startswith(_MODEL)}


def restore_momentum(
    model: nn.Module, optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor], *, source: Path
) -> None:
    """Give each parameter of ``model`` the momentum that ``tensors`` have for it, where they have one.

    Raises
    ------
    CheckpointError : one has another shape than its parameter.
    """
    for name, parameter in model.named_parameters():
        if _MOMENTUM + name in tensors:
            saved = tensors[_MOMENTUM + name]
            if saved.shape != parameter.shape:
                raise CheckpointError(
                    f"{source}: the momentum of {name!r} has the shape {tuple(saved.shape)}; expected "
                    f"{tuple(parameter.shape)}"
                )
            buffer = torch.empty_like(parameter).copy_(saved)
            optimizer.state[parameter]["momentum_buffer"] = buffer.detach()


def other_run(saved: Mapping[str, Any], wanted: Mapping[str, Any], digests: Mapping[str, str]) -> str | None:
    """Return what tells a saved run from the one that is wanted, or None if nothing does.

    Parameters
    ----------
    saved, wanted : what identifies each, as JSON types; of several differences the first wanted one counts.
    digests : names whose values are hashes, which tell nobody anything, and what to say instead.
    """
    for name, value in wanted.items():
        if name not in saved:
            return f"a run of another version; expected one that knows `{name}`"
        if saved[name] != value:
            return f"a run with {digests.get(name) or f'{name} = {saved[name]!r}; expected {value!r}'}"
    return None

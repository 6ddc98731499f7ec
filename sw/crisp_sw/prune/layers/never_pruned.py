"""Layers with weights that no method prunes, such as Conv1d: they stay dense, and count as such."""

from dataclasses import dataclass

from torch import nn
from torch.nn.utils import parametrize


@dataclass(frozen=True, kw_only=True)
class OtherLayer:
    """A layer that is neither Conv2d nor Linear, and the number of its weights."""

    module: nn.Module
    weights: int

    @property
    def reason(self) -> str:
        """Why it stays dense."""
        kind = parametrize.type_before_parametrizations(self.module).__name__
        return f"{kind}: only Conv2d and Linear can be pruned"


def other_layers(model: nn.Module) -> dict[str, OtherLayer]:
    """Return every module of ``model`` but Conv2d and Linear that owns weights, by name.

    Weights are parameters of two or more dimensions, which leaves out biases and most norms; where a
    parametrization computes one, it counts as the module shows it.
    """
    weights = {
        name: (module, _weights(module))
        for name, module in model.named_modules()
        if not isinstance(module, nn.Conv2d | nn.Linear | parametrize.ParametrizationList)
    }
    return {
        name: OtherLayer(module=module, weights=count) for name, (module, count) in weights.items() if count
    }


def _weights(module: nn.Module) -> int:
    computed = getattr(module, "parametrizations", ()) if parametrize.is_parametrized(module) else ()
    tensors = [*module.parameters(recurse=False), *(getattr(module, name) for name in computed)]
    return sum(tensor.numel() for tensor in tensors if tensor.dim() >= 2)

"""What a pruned network costs: weights, multiply-accumulates, packed bytes, and predicted cycles."""

from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import nn

from crisp_golden.arithmetic.network import MaxPool, QuantizedNetwork
from crisp_golden.cycles.layer_report import layer_report
from crisp_spec.config import CoreConfig
from crisp_spec.errors import CapacityError


@dataclass(frozen=True)
class FloatCosts:
    """Of the float model's Conv2d and Linear layers.

    Attributes
    ----------
    weights, nonzero_weights : of all of them.
    macs, nonzero_macs : multiply-accumulates for one image, and those whose weight is not zero.
    """

    weights: int
    nonzero_weights: int
    macs: int
    nonzero_macs: int

    @property
    def sparsity(self) -> float:
        """Share of all Conv2d and Linear weights that is zero."""
        return 1 - self.nonzero_weights / self.weights

    def to_json(self) -> dict[str, Any]:
        """Return the figures as JSON types."""
        return {**asdict(self), "model_sparsity": self.sparsity}


@torch.inference_mode()
def float_costs(model: nn.Module, input_shape: tuple[int, int, int]) -> FloatCosts:
    """Count weights and multiply-accumulates for one image [C, H, W]; padding counts as pixels."""
    totals = [0, 0, 0, 0]

    def count(module: nn.Conv2d | nn.Linear, _: object, output: torch.Tensor) -> None:
        pixels = output.shape[2:].numel()
        weights, kept = module.weight.numel(), int(module.weight.count_nonzero())
        for index, value in enumerate((weights, kept, weights * pixels, kept * pixels)):
            totals[index] += value

    layers = [module for module in model.modules() if isinstance(module, nn.Conv2d | nn.Linear)]
    hooks = [layer.register_forward_hook(count) for layer in layers]
    try:
        model.eval()(torch.zeros(1, *input_shape))
    finally:
        for hook in hooks:
            hook.remove()
    return FloatCosts(*totals)


def core_costs(network: QuantizedNetwork, config: CoreConfig) -> dict[str, Any]:
    """Sum of the layer reports of all convolutions on one core.

    A layer that has no pattern runs as the array finds it: windows of zeros are skipped, the fullest group
    of a layer decides its N, and its weights are stored dense.

    Returns
    -------
    ``bytes_dense``, ``bytes_packed``, ``cycles``, ``cycles_dense`` (the same layers without zeros), and
    ``does_not_fit`` with the reason if a layer exceeds the core; its cycles are None then.
    """
    totals: dict[str, Any] = {"bytes_dense": 0, "bytes_packed": 0, "cycles": 0, "cycles_dense": 0}
    sizes = {"input": network.input_shape[1:]}
    for node in network.nodes:
        layer, (height, width) = node.layer, sizes[node.inputs[0]]
        if isinstance(layer, MaxPool):
            grown = 2 * layer.padding - layer.kernel
            sizes[node.name] = ((height + grown) // layer.stride + 1, (width + grown) // layer.stride + 1)
            continue
        sizes[node.name] = layer.out_size(height, width)
        try:
            _add(totals, layer_report(config, layer, height, width))
        except CapacityError as error:
            return {"cycles": None, "cycles_dense": None, "does_not_fit": f"{layer.name}: {error}"}
    return totals


def _add(totals: dict[str, Any], report: dict[str, Any]) -> None:
    for total, figure in (
        ("bytes_dense", "bytes_dense"),
        ("bytes_packed", "bytes_packed"),
        ("cycles", "cycles_predicted"),
        ("cycles_dense", "cycles_dense"),
    ):
        totals[total] += report[figure]

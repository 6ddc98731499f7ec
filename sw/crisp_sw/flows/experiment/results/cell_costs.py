"""What a pruned network costs: weights, multiply-accumulates, packed bytes, and predicted cycles."""

from dataclasses import dataclass

import torch
from torch import nn

from crisp_golden.arithmetic.network import QuantizedNetwork
from crisp_golden.cycles.layer_report import layer_report
from crisp_spec.config import CoreConfig
from crisp_spec.errors import CapacityError
from crisp_sw.flows.inspection import conv_inputs
from crisp_sw.results.layers import LayerTotals


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


@dataclass(frozen=True, kw_only=True)
class CoreCosts:
    """Of the integer network on a core, layer by layer; None where a layer exceeds it.

    Attributes
    ----------
    bytes_dense, bytes_packed : of the weights.
    cycles : predicted.
    cycles_dense : of the same layers without zeros.
    does_not_fit : the layer that exceeds the core, and the reason.
    """

    bytes_dense: int | None = None
    bytes_packed: int | None = None
    cycles: int | None = None
    cycles_dense: int | None = None
    does_not_fit: str | None = None


def core_costs(network: QuantizedNetwork, config: CoreConfig) -> CoreCosts:
    """Sum of the layer reports of all convolutions on one core.

    A layer that has no pattern runs as the array finds it: windows of zeros are skipped, the fullest group
    of a layer decides its N, and its weights are stored dense.
    """
    layers = []
    for layer, height, width in conv_inputs(network):
        try:
            layers.append(layer_report(config, layer, height, width))
        except CapacityError as error:
            return CoreCosts(does_not_fit=f"{layer.name}: {error}")
    totals = LayerTotals.of(layers)
    return CoreCosts(
        bytes_dense=totals.bytes_dense,
        bytes_packed=totals.bytes_packed,
        cycles=totals.cycles,
        cycles_dense=totals.cycles_dense,
    )

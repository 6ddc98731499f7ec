"""Whether a lowered network is the model: both run on a few images, layer by layer, in float64.

There the two differ by about 2**-53 of what they add up, however extreme the statistics of BatchNorm are that
were folded, so that a difference which a float32 model would show has another cause than rounding.
"""

import math
from collections.abc import Iterable
from contextlib import ExitStack
from typing import Any

import torch
from torch import Tensor, nn

from crisp_sw.quantize.lowering.float_network import INPUT, FloatConv, FloatNetwork, module_name
from crisp_sw.quantize.lowering.torch_layers import UnsupportedModelError

LAYER_ROUNDING = 2.0**-20
"""Largest difference that counts as rounding, in units of a layer's largest value: 16 steps of float32."""

CANCELLED = 2.0**-40
"""The same in units of the largest value so far: a layer may add up to 0, with nothing but rounding left."""

WEIGHT_ROUNDING = 2.0**-6
"""Largest difference of a layer's weights in float32 and float64, in units of their norm."""

CHECKED_PIXELS = 1 << 13
"""Images are taken until they have so many pixels, but at least two: one would not show mixed images."""


def images_to_check(images: Tensor) -> Tensor:
    """Return a few of ``images``, float[N, C, H, W], evenly spaced, in float64."""
    height, width = images.shape[2:]
    count = min(len(images), max(2, CHECKED_PIXELS // (height * width)))
    evenly = torch.linspace(0, len(images) - 1, count, device="cpu").round().long()
    return images[evenly].double()


def require_same_layers(network: FloatNetwork, again: FloatNetwork) -> None:
    """Raise UnsupportedModelError unless a model was lowered to the same layers and weights twice.

    Parameters
    ----------
    network, again : lowered in float32 and in float64, which may round a computed weight to another level.
    """
    if _without_weights(network) != _without_weights(again):
        raise UnsupportedModelError(
            "the model runs other layers each time that it is traced; expected the same ones"
        )
    for layer, other in zip(network.layers, again.layers, strict=True):
        if not isinstance(layer, FloatConv) or not isinstance(other, FloatConv):
            continue
        difference, size = (layer.weight - other.weight).norm(), other.weight.norm()
        if not difference <= WEIGHT_ROUNDING * size + torch.finfo(torch.float32).tiny * len(layer.weight):
            raise UnsupportedModelError(
                f"the model computes other weights of layer {layer.name!r} each time that it is traced; "
                "expected the same ones"
            )


def _without_weights(network: FloatNetwork) -> list[dict[str, Any]]:
    return [
        {name: value for name, value in vars(layer).items() if not isinstance(value, Tensor)}
        for layer in network.layers
    ]


@torch.no_grad()
def require_equivalent(network: FloatNetwork, model: nn.Module, images: Tensor) -> None:
    """Raise unless ``network`` computes on ``images`` what ``model`` computes, up to rounding.

    Every convolution's input is compared with what the model's layer of the same name reads, and is taken
    from there, so that rounding does not add up; then the results are.

    Parameters
    ----------
    network : lowered from ``model``.
    model : in evaluation mode.
    images : float64[N, C, H, W], as both are float64.

    Raises
    ------
    UnsupportedModelError : they differ, and the message names the first layer that does; the model fails on
        the images, or does not run each layer once.
    """
    comparison = _Comparison(network)
    convolutions = [layer.name for layer in network.layers if isinstance(layer, FloatConv)]
    read, output = _observe(model, images, convolutions)
    computed = {INPUT: images}
    for layer in network.layers:
        if isinstance(layer, FloatConv):
            source, reader = layer.inputs[0], f"what layer {layer.name!r} of the model reads"
            computed[source] = comparison.check(source, computed[source], read[layer.name], reader)
        computed[layer.name] = layer.run(*(computed[name] for name in layer.inputs))
    last = network.layers[-1].name
    comparison.check(last, computed[last], output, "what the model returns")


def _observe(model: nn.Module, images: Tensor, names: Iterable[str]) -> tuple[dict[str, Tensor], Tensor]:
    """Run ``model``; return what the modules of these names read, and its result."""
    inputs: dict[str, list[Tensor]] = {name: [] for name in names}

    def observer(name: str) -> Any:
        # The tensor may be overwritten later.
        return lambda module, args, kwargs: inputs[name].append((args or [kwargs["input"]])[0].clone())

    with ExitStack() as stack:
        for name in inputs:
            module = model.get_submodule(module_name(name))
            stack.enter_context(module.register_forward_pre_hook(observer(name), with_kwargs=True))
        try:
            output = model(images.clone())
        except Exception as error:  # the user's code may raise anything
            raise UnsupportedModelError(
                f"the model fails on {len(images)} images of shape {list(images.shape[1:])}: {error}"
            ) from error
    if not isinstance(output, Tensor):
        raise UnsupportedModelError(f"the model must return one tensor, not a {type(output).__name__}")
    for name, tensors in inputs.items():
        if len(tensors) != 1:
            raise UnsupportedModelError(f"the model runs layer {name!r} {len(tensors)} times; expected once")
    return {name: tensor for name, (tensor,) in inputs.items()}, output


class _Comparison:
    """Tensors of the lowered network against the model's, one after the other."""

    def __init__(self, network: FloatNetwork):
        self.network = network
        self.largest = 0.0
        self.equal: set[str] = {INPUT}

    def check(self, name: str, computed: Tensor, observed: Tensor, what: str) -> Tensor:
        """Return ``observed`` in the shape of the tensor ``name``, which it has to equal.

        Raises
        ------
        UnsupportedModelError : it does not; ``what`` says what it is.
        """
        if computed.shape[:1] != observed.shape[:1] or computed.numel() != observed.numel():
            shapes = f"shape {list(observed.shape)}, not {list(computed.shape)}"
            raise self._difference(name, f"{what} has {shapes}")
        observed = observed.to(computed).reshape(computed.shape)
        difference, reached = float((computed - observed).abs().max()), float(observed.abs().max())
        if not math.isfinite(reached):
            raise UnsupportedModelError(f"{what} must be finite, but reaches {reached}")
        self.largest = max(self.largest, reached)
        if not difference <= LAYER_ROUNDING * reached + CANCELLED * self.largest:
            found = f"differs by up to {difference:.3g} in values up to {reached:.3g}"
            raise self._difference(name, f"{what} {found}; expected rounding alone")
        self.equal.add(name)
        return observed

    def _difference(self, name: str, how: str) -> UnsupportedModelError:
        suspects = self._not_compared(name)
        first = f"layer {suspects[0]!r}" if suspects else "the image" if name == INPUT else f"layer {name!r}"
        return UnsupportedModelError(f"the lowered network is not the model from {first} on: {how}")

    def _not_compared(self, name: str) -> list[str]:
        """The layers, in their order, that tensor ``name`` depends on and that were not found equal yet."""
        inputs = {layer.name: layer.inputs for layer in self.network.layers if layer.name not in self.equal}
        found, pending = set(), [name]
        while pending:
            layer = pending.pop()
            if layer in inputs:
                found.add(layer)
                pending += inputs[layer]
        return [layer for layer in inputs if layer in found]

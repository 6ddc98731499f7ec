"""The float network after fusion: the same layers and tensor names as the integer network made from it.

Every layer is one node of the later :class:`crisp_golden.arithmetic.network.QuantizedNetwork`; BatchNorm is
folded, residual addition and activation belong to the convolution before them. Running it gives exactly the
tensors whose ranges calibration needs.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum

import torch
import torch.nn.functional as F
from torch import Tensor

INPUT = "input"
Shape = tuple[int, int, int]


def layer_name(module: str) -> str:
    """Name of a module's layer: its own, but ``input.`` of a module ``input``, as that is the image's name.

    No module has a name that ends in a dot.
    """
    return f"{INPUT}." if module == INPUT else module


def module_name(layer: str) -> str:
    """Name of the module of a layer: the inverse of :func:`layer_name`."""
    return layer.removesuffix(".")


class Activation(Enum):
    """Clamp at the end of a convolution."""

    NONE = "none"
    RELU = "relu"
    RELU6 = "relu6"

    def __call__(self, x: Tensor) -> Tensor:
        if self is Activation.NONE:
            return x
        return x.clamp_min(0.0) if self is Activation.RELU else x.clamp(0.0, 6.0)


@dataclass
class FloatConv:
    """Convolution, linear layer (kernel = input map) with optional residual operand and activation.

    ``weight`` is float[K, C / groups, kh, kw], ``bias`` float[K]; ``inputs`` names the image tensor and,
    if there is one, the residual operand.
    """

    name: str
    inputs: list[str]
    weight: Tensor
    bias: Tensor
    stride: int = 1
    padding: tuple[int, int] = (0, 0)
    groups: int = 1
    activation: Activation = Activation.NONE

    @property
    def residual(self) -> str | None:
        """Name of the second operand of the residual addition."""
        return self.inputs[1] if len(self.inputs) > 1 else None

    def run(self, x: Tensor, residual: Tensor | None = None) -> Tensor:
        """float[B, C, H, W] -> float[B, K, Ho, Wo]."""
        y = F.conv2d(x, self.weight, self.bias, self.stride, self.padding, 1, self.groups)
        return self.activation(y if residual is None else y + residual)

    def out_shape(self, shape: Shape) -> Shape:
        """(K, Ho, Wo) for an input of (C, H, W)."""
        _, _, kh, kw = self.weight.shape
        (ph, pw), s = self.padding, self.stride
        return self.weight.shape[0], (shape[1] + 2 * ph - kh) // s + 1, (shape[2] + 2 * pw - kw) // s + 1


@dataclass
class FloatMaxPool:
    """Max pooling over ``kernel`` x ``kernel`` pixels."""

    name: str
    inputs: list[str]
    kernel: int
    stride: int
    padding: int = 0

    def run(self, x: Tensor) -> Tensor:
        """float[B, C, H, W] -> float[B, C, Ho, Wo]."""
        return F.max_pool2d(x, self.kernel, self.stride, self.padding)

    def out_shape(self, shape: Shape) -> Shape:
        """(C, Ho, Wo) for an input of (C, H, W)."""
        h, w = ((n + 2 * self.padding - self.kernel) // self.stride + 1 for n in shape[1:])
        return shape[0], h, w


@dataclass
class FloatAveragePool:
    """Average over all pixels."""

    name: str
    inputs: list[str]

    def run(self, x: Tensor) -> Tensor:
        """float[B, C, H, W] -> float[B, C, 1, 1]."""
        return x.mean(dim=(2, 3), keepdim=True)

    def out_shape(self, shape: Shape) -> Shape:
        """(C, 1, 1) for an input of (C, H, W)."""
        return shape[0], 1, 1


FloatLayer = FloatConv | FloatMaxPool | FloatAveragePool


@dataclass
class FloatNetwork:
    """Fused layers in topological order; the tensor ``"input"`` is the normalised image.

    ``shapes`` holds (C, H, W) of every tensor by name.
    """

    input_shape: Shape
    layers: list[FloatLayer] = field(default_factory=list)
    shapes: dict[str, Shape] = field(default_factory=dict)

    @torch.no_grad()
    def walk(self, images: Tensor) -> Iterator[tuple[str, Tensor]]:
        """Yield (name, float[B, C, H, W]) of every tensor in order, ``"input"`` first.

        A tensor is freed after its last reader has run.
        """
        last_reader = {source: layer.name for layer in self.layers for source in layer.inputs}
        alive = {INPUT: images}
        yield INPUT, images
        for layer in self.layers:
            result = layer.run(*(alive[name] for name in layer.inputs))
            yield layer.name, result
            alive[layer.name] = result
            for name in set(layer.inputs):
                if last_reader[name] == layer.name:
                    del alive[name]

    def run(self, images: Tensor) -> Tensor:
        """float[B, C, H, W] -> float[B, K], the result of the last layer, flattened."""
        result = images
        for _, tensor in self.walk(images):
            result = tensor
        return result.flatten(1)

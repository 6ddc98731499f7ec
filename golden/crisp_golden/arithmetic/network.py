"""Integer networks: what the quantizer exports, golden computes and the hardware runs.

A network is a list of nodes in topological order. Activations are int8 with one zero point per tensor,
weights int8 symmetric per output channel, biases int32 with the input's zero point already folded in.
Linear layers and global average pooling are convolutions too: a linear layer has the kernel of its input
map, global average pooling is a depthwise convolution with constant weights.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

MAX_IMAGE_VALUES = 1 << 22
"""Values of one image, all channels: 1,182 x 1,182 pixels of three. No file bounds what larger ones take."""


@dataclass(frozen=True, kw_only=True)
class Pattern:
    """The hybrid-structured sparsity that a layer claims to have.

    Attributes
    ----------
    n, m : at most ``n`` non-zeros in every ``m`` consecutive input channels of one tap; 1 <= n <= m.
    block : edge length B of the square blocks of the weight matrix ``W[K, taps * C]``, C padded to B.
    block_mask : bool[ceil(K/B), taps * ceil(C/B)], the kept blocks. A hybrid pattern keeps equally many
        in every row. For grouped layers the matrix is the block-diagonal one over all input channels.
    """

    n: int
    m: int
    block: int
    block_mask: np.ndarray


@dataclass(frozen=True, kw_only=True)
class ResidualInput:
    """Second operand of a residual addition, requantized in the output stage of a convolution.

    Contributes ``((res - zero_point) * multiplier[k]) << shift[k]`` before the one rounding.

    Attributes
    ----------
    zero_point : of the residual tensor, -128 to 127.
    multiplier : uint16[K].
    shift : uint8[K], left shift, 0 to 15.
    """

    zero_point: int
    multiplier: np.ndarray
    shift: np.ndarray


@dataclass(frozen=True, kw_only=True)
class QuantizedConv:
    """One integer convolution with its output stage; linear layers are the case of a one-pixel output.

    ``y = clamp(y_zero_point + round_shift(acc * multiplier[k] + residual, shift[k]), q_min, q_max)`` with
    ``acc = bias[k] + sum(weight * x)`` and padded positions reading ``x_zero_point``.

    Attributes
    ----------
    weight : int8[K, C / groups, kh, kw].
    bias : int32[K], the real bias over the accumulator's scale minus ``x_zero_point * sum(weight)``.
    multiplier : uint16[K].
    shift : uint8[K], right shift, 1 to 48.
    stride : of both axes.
    padding : (rows above and below, columns left and right of the image).
    pattern : the sparsity of ``weight``; None for a layer that claims none (dense or block-diagonal).
    """

    name: str
    weight: np.ndarray
    bias: np.ndarray
    multiplier: np.ndarray
    shift: np.ndarray
    stride: int = 1
    padding: tuple[int, int] = (0, 0)
    groups: int = 1
    x_zero_point: int = 0
    y_zero_point: int = 0
    q_min: int = -128
    q_max: int = 127
    residual: ResidualInput | None = None
    pattern: Pattern | None = None

    @property
    def out_channels(self) -> int:
        """K."""
        return self.weight.shape[0]

    @property
    def in_channels(self) -> int:
        """C over all groups."""
        return self.weight.shape[1] * self.groups

    @property
    def kernel(self) -> tuple[int, int]:
        """(kh, kw)."""
        return self.weight.shape[2], self.weight.shape[3]

    def out_size(self, height: int, width: int) -> tuple[int, int]:
        """Height and width of the output for an input of ``height`` x ``width`` pixels."""
        (kh, kw), (ph, pw) = self.kernel, self.padding
        return (height + 2 * ph - kh) // self.stride + 1, (width + 2 * pw - kw) // self.stride + 1


@dataclass(frozen=True, kw_only=True)
class MaxPool:
    """Max pooling of int8 activations; padding reads as -128."""

    name: str
    kernel: int
    stride: int
    padding: int = 0


@dataclass(frozen=True, kw_only=True)
class Node:
    """One layer and the names of the tensors it reads: the input, then the residual if there is one."""

    layer: QuantizedConv | MaxPool
    inputs: tuple[str, ...]

    @property
    def name(self) -> str:
        """Name of the layer, and of the tensor it produces."""
        return self.layer.name


@dataclass(frozen=True, kw_only=True)
class QuantizedNetwork:
    """An integer network. The tensor ``"input"`` is the image; the last node's tensor is the result.

    Attributes
    ----------
    input_shape : (C, H, W) of one image.
    input_scale, input_zero_point : int8 input = clamp(round(image / input_scale) + input_zero_point),
        where image is the normalised float image that the float network was trained on.
    classes : names of the outputs, in the order of the last layer's channels.
    scales : real value of one step of each node's tensor, by name, if they are known. Nothing that the
        network computes depends on them; they give its outputs their real unit.
    """

    nodes: tuple[Node, ...]
    input_shape: tuple[int, int, int]
    input_scale: float
    input_zero_point: int
    classes: tuple[str, ...] = field(default=())
    scales: Mapping[str, float] = field(default_factory=dict)

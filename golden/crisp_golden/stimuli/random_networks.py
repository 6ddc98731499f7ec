"""Random small networks with every kind of layer that a program can hold; the seed decides everything."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from crisp_golden.arithmetic.inference import INPUT
from crisp_golden.arithmetic.network import MaxPool, Node, QuantizedConv, QuantizedNetwork
from crisp_golden.stimuli.random_conv import random_residual
from crisp_golden.stimuli.shaped_layers import ConvShape, random_layer

SPREAD = 45
"""Standard deviation that outputs should have about: most values are neither clamped nor all alike."""

KINDS = (
    *("full", "pointwise", "strided", "strided_pointwise", "grouped", "depthwise", "max_pool"),
    *("residual", "projection"),
)

LARGEST_KERNEL = 64
"""Most pixels that a classifier sees; all tap tables have room for so many."""


@dataclass(frozen=True)
class _Tensor:
    name: str
    channels: int
    height: int
    width: int


class _Builder:
    """Adds layers one after the other, and branches that meet again."""

    def __init__(self, rng: np.random.Generator, m: int, shape: tuple[int, int, int]):
        self.rng, self.m = rng, m
        self.nodes: list[Node] = []
        self.tensors = [_Tensor(INPUT, *shape)]

    def draw(self, low: int, high: int) -> int:
        return int(self.rng.integers(low, high + 1))

    def conv(self, shape: ConvShape, x: _Tensor, residual: _Tensor | None = None) -> None:
        layer = spread(self.rng, random_layer(self.rng, shape))
        layer = replace(layer, name=f"{len(self.nodes)}_conv_of_{x.name.partition('_')[0]}")
        if residual:
            layer = replace(layer, residual=random_residual(self.rng, layer.out_channels))
        self.add(layer, x, layer.out_channels, *([residual.name] if residual else []))

    def add(self, layer: QuantizedConv | MaxPool, x: _Tensor, channels: int, *others: str) -> None:
        if isinstance(layer, MaxPool):
            kernel, padding = (layer.kernel,) * 2, (layer.padding,) * 2
        else:
            kernel, padding = layer.kernel, layer.padding
        height, width = (
            (size + 2 * pad - length) // layer.stride + 1
            for size, pad, length in zip((x.height, x.width), padding, kernel, strict=True)
        )
        self.nodes.append(Node(layer=layer, inputs=(x.name, *others)))
        self.tensors.append(_Tensor(layer.name, channels, height, width))

    def layer(self, kind: str) -> None:
        """One layer, or a branch, of a kind."""
        x = self.tensors[-1]
        {
            "full": self._full,
            "pointwise": self._pointwise,
            "strided": self._strided,
            "strided_pointwise": self._strided_pointwise,
            "grouped": self._grouped,
            "depthwise": self._depthwise,
            "max_pool": self._max_pool,
            "residual": self._residual,
            "projection": self._projection,
        }[kind](x)

    def _sparsity(self) -> dict[str, Any]:
        block = self.m * self.draw(1, 4) if self.rng.random() < 0.5 else None
        return {"n": self.draw(1, self.m), "m": self.m, "block": block}

    def _kernel(self, x: _Tensor, largest: int) -> dict[str, Any]:
        """Kernel and padding that fit a tensor and do not make it grow."""
        kernel = self.draw(1, min(largest, x.height)), self.draw(1, min(largest, x.width))
        padding = tuple(self.draw(0, (length - 1) // 2) for length in kernel)
        return {"kernel": kernel, "padding": padding}

    def _full(self, x: _Tensor) -> None:
        self.conv(
            ConvShape(
                **self._kernel(x, 4),
                **self._sparsity(),
                channels_per_group=x.channels,
                outputs_per_group=self.draw(1, 24),
            ),
            x,
        )

    def _pointwise(self, x: _Tensor) -> None:
        self.conv(self._one(x, self.draw(1, 40)), x)

    def _one(self, x: _Tensor, outputs: int, stride: int = 1) -> ConvShape:
        return ConvShape(
            kernel=(1, 1),
            padding=(0, 0),
            stride=stride,
            channels_per_group=x.channels,
            outputs_per_group=outputs,
            **self._sparsity(),
        )

    def _strided(self, x: _Tensor) -> None:
        self.conv(
            ConvShape(
                **self._kernel(x, 5),
                **self._sparsity(),
                stride=2,
                channels_per_group=x.channels,
                outputs_per_group=self.draw(1, 16),
            ),
            x,
        )

    def _strided_pointwise(self, x: _Tensor) -> None:
        self.conv(self._one(x, self.draw(1, 24), 2), x)

    def _grouped(self, x: _Tensor) -> None:
        divisors = [count for count in range(2, x.channels) if x.channels % count == 0]
        if not divisors:
            self._depthwise(x)
            return
        groups = int(self.rng.choice(divisors))
        shape = ConvShape(
            **self._kernel(x, 3),
            n=self.draw(1, self.m),
            m=self.m,
            groups=groups,
            channels_per_group=x.channels // groups,
            outputs_per_group=self.draw(1, 4),
        )
        self.conv(shape, x)

    def _depthwise(self, x: _Tensor) -> None:
        shape = ConvShape(
            **self._kernel(x, 3),
            stride=self.draw(1, 2),
            groups=x.channels,
            channels_per_group=1,
            outputs_per_group=1,
            n=1,
            m=self.m,
        )
        self.conv(shape, x)

    def _max_pool(self, x: _Tensor) -> None:
        kernel = self.draw(1, min(3, x.height, x.width))
        name = f"{len(self.nodes)}_pool_of_{x.name.partition('_')[0]}"
        layer = MaxPool(
            name=name, kernel=kernel, stride=self.draw(1, 2), padding=self.draw(0, (kernel - 1) // 2)
        )
        self.add(layer, x, x.channels)

    def _residual(self, x: _Tensor) -> None:
        """Two layers, the second of which adds what the first one read."""
        self.conv(self._one(x, self.draw(1, 16)), x)
        middle = self.tensors[-1]
        if min(x.height, x.width) < 3:
            self.conv(self._one(middle, x.channels), middle, x)
            return
        shape = ConvShape(
            kernel=(3, 3),
            padding=(1, 1),
            channels_per_group=middle.channels,
            outputs_per_group=x.channels,
            **self._sparsity(),
        )
        self.conv(shape, middle, x)

    def _projection(self, x: _Tensor) -> None:
        """Two branches of one layer each, that shrink the image or leave it, and their sum."""
        stride = self.draw(1, 2)
        first = self._one(x, self.draw(1, 20), stride)
        if min(x.height, x.width) >= 3:
            first = replace(first, kernel=(3, 3), padding=(1, 1))
        self.conv(first, x)
        middle, outputs = self.tensors[-1], self.draw(1, 30)
        self.conv(self._one(x, outputs, stride), x)
        self.conv(self._one(middle, outputs), middle, self.tensors[-1])

    def classifier(self) -> None:
        """Global average pooling or a kernel as large as the image, then a linear layer."""
        while self.tensors[-1].height * self.tensors[-1].width > LARGEST_KERNEL:
            self._strided(self.tensors[-1])
        x = self.tensors[-1]
        whole: dict[str, Any] = {"kernel": (x.height, x.width), "padding": (0, 0)}
        if self.rng.random() < 0.5:
            pool = ConvShape(
                **whole, groups=x.channels, channels_per_group=1, outputs_per_group=1, n=1, m=self.m
            )
            self.conv(pool, x)
            x = self.tensors[-1]
            whole = {"kernel": (1, 1), "padding": (0, 0)}
        linear = ConvShape(
            **whole, **self._sparsity(), channels_per_group=x.channels, outputs_per_group=self.draw(2, 20)
        )
        self.conv(linear, x)


def spread(rng: np.random.Generator, layer: QuantizedConv) -> QuantizedConv:
    """The layer with shifts for which its outputs use the range of int8."""
    energy = (layer.weight.astype(np.float64) ** 2).sum(axis=(1, 2, 3)).max()
    deviation = np.sqrt(energy) * SPREAD + 1
    shift = np.ceil(np.log2(deviation * (1 << 15) / SPREAD)) + rng.integers(-1, 2, layer.out_channels)
    return replace(
        layer,
        bias=(rng.normal(0, deviation / 2, layer.out_channels)).astype(np.int32),
        multiplier=rng.integers(1 << 14, 1 << 16, layer.out_channels).astype(np.uint16),
        shift=np.clip(shift, 1, 48).astype(np.uint8),
    )


def random_network(seed: int, *, m: int = 4, largest: int = 14) -> QuantizedNetwork:
    """A network of two to nine layers for images of at most ``largest`` x ``largest`` pixels."""
    rng = np.random.default_rng(seed)
    shape = int(rng.integers(1, 20)), *rng.integers(4, largest + 1, 2).tolist()
    builder = _Builder(rng, m, shape)
    builder.layer("full")
    for kind in rng.choice(KINDS, int(rng.integers(1, 7))):
        builder.layer(kind)
    if rng.random() < 0.7:
        builder.classifier()
    return QuantizedNetwork(
        nodes=tuple(builder.nodes), input_shape=shape, input_scale=1.0, input_zero_point=0
    )

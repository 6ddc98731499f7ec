"""What a file does to a tensor that is quantized already: each of its roundings becomes one of the core's.

An addition of two quantized tensors or of a constant, an activation behind QuantizeLinear, and a change of
scale become a layer that copies the tensor, a depthwise convolution of 1 x 1 pixels with equal weights: its
output stage adds, clamps and rounds. The saturation of the first QuantizeLinear, which often is all that is
left of a ReLU, stays with the layer before.
"""

from dataclasses import dataclass, replace

import numpy as np

from crisp_sw.exchange.onnx.importer.graph import GraphNode
from crisp_sw.exchange.onnx.importer.values import Activation, Code, OpenConv
from crisp_sw.exchange.onnx.operators.quantization import same_code

FINE = 64
"""Level of the weights with which a copy adds constants: its accumulator counts in 64ths of a step."""


@dataclass
class CopyLayer(OpenConv):
    """A layer that copies ``x`` before it adds, clamps and rounds."""

    def is_only_a_clamp(self, y: Code) -> bool:
        """Whether it clamps codes without rounding them, as an output of code ``y`` is that of ``x``."""
        return self.residual is None and not self.bias.any() and same_code(self.x.code, y)

    def joined_to(self, source: OpenConv) -> OpenConv:
        """The convolution that made ``x``, which clamps as well."""
        low, high = max(source.low, self.low), min(source.high, self.high)
        return replace(source, low=low, high=high, flat=self.flat)


def copy_layer(node: GraphNode, x: Activation, level: int = 1) -> CopyLayer:
    """A layer named as ``node`` that copies ``x``: all weights are ``level``, in steps of its inverse."""
    channels = x.shape[0]
    return CopyLayer(
        name=node.name,
        x=x,
        weight=np.full((channels, 1, 1, 1), level, np.int8),
        scale=np.full(channels, 1 / level),
        shape=x.shape,
        bias=np.zeros(channels),
        groups=channels,
        flat=x.flat,
    )

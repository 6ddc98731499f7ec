"""Conv, Gemm and MatMul as convolutions of int8 weights, with every restriction of the core checked."""

from typing import Any

import numpy as np

from crisp_sw.exchange.onnx.errors import OnnxModelError
from crisp_sw.exchange.onnx.importer.graph import GraphNode
from crisp_sw.exchange.onnx.importer.values import Activation, Constant, Dequantized, OpenConv, Value
from crisp_sw.exchange.onnx.operators.geometry import (
    check_no_dilation,
    pair,
    shape_after,
    square_stride,
    symmetric_padding,
)


def open_conv(node: GraphNode, x: Activation, operands: list[Value | None]) -> OpenConv:
    """A Conv node; ``operands`` are its weight and, if it has one, its bias.

    Raises
    ------
    OnnxModelError : the weight is not quantized, or the core cannot do it; the message says what.
    """
    _require(not x.flat, node, "an image as input", "a vector")
    check_no_dilation(node)
    weight = _weight(node, operands)
    _require(weight.levels.ndim == 4, node, "two image axes", weight.levels.ndim - 2)
    levels, scale = _symmetric(node, weight, 0)
    groups = int(node.attributes["group"])
    _require(groups > 0 and len(levels) % groups == 0, node, "groups that divide the outputs", groups)
    _require(
        levels.shape[1] * groups == x.shape[0], node, f"{levels.shape[1] * groups} input channels", x.shape[0]
    )
    kernel, stride = (levels.shape[2], levels.shape[3]), square_stride(node)
    if "kernel_shape" in node.attributes:
        _require(
            pair(node, "kernel_shape") == kernel,
            node,
            f"kernel_shape {kernel} as of its weight",
            node.attributes["kernel_shape"][:8],
        )
    padding = symmetric_padding(node)
    padding = padding[0] + x.padding[0], padding[1] + x.padding[1]
    return _with_bias(
        OpenConv(
            name=node.name,
            x=x,
            weight=levels,
            scale=scale,
            shape=(len(levels), *shape_after(node, x.shape, kernel, stride, padding)),
            bias=np.zeros(len(levels)),
            stride=stride,
            padding=padding,
            groups=groups,
        ),
        node,
        operands,
        [(len(levels),)],
    )


def open_gemm(node: GraphNode, x: Activation, operands: list[Value | None]) -> OpenConv:
    """A Gemm node as the convolution whose kernel covers the whole input map."""
    return _linear(node, x, operands, outputs_axis=0 if node.attributes["transB"] else 1)


def open_matmul(node: GraphNode, x: Activation, operands: list[Value | None]) -> OpenConv:
    """A MatMul node; a bias comes as a later addition."""
    return _linear(node, x, operands, outputs_axis=1)


def _linear(node: GraphNode, x: Activation, operands: list[Value | None], outputs_axis: int) -> OpenConv:
    _require(x.flat, node, "a flattened input", f"an image of {x.shape}")
    weight = _weight(node, operands)
    _require(weight.levels.ndim == 2, node, "a weight of two axes", weight.levels.ndim)
    levels, scale = _symmetric(node, weight, outputs_axis)
    features = int(np.prod(x.shape))
    _require(levels.shape[1] == features, node, f"{levels.shape[1]} input features", features)
    layer = OpenConv(
        name=node.name,
        x=x,
        weight=levels.reshape(-1, *x.shape),
        scale=scale,
        shape=(len(levels), 1, 1),
        bias=np.zeros(len(levels)),
        flat=True,
    )
    outputs = len(levels)
    return _with_bias(layer, node, operands, [(outputs,), (1, outputs), (1, 1), (1,), ()])


def _weight(node: GraphNode, operands: list[Value | None]) -> Dequantized:
    weight = operands[0] if operands else None
    if not isinstance(weight, Dequantized):
        found = "float numbers" if isinstance(weight, Constant) else "no constant"
        raise OnnxModelError(f"{node.label} needs quantized weights (DequantizeLinear of int8), not {found}")
    return weight


def _symmetric(node: GraphNode, weight: Dequantized, outputs_axis: int) -> tuple[np.ndarray, np.ndarray]:
    """int8 weights with the output channel first, and a scale for each, float64[K]."""
    levels = np.moveaxis(weight.levels, outputs_axis, 0)
    if weight.scale.size > 1:
        _require(
            weight.axis == outputs_axis, node, "scales per output channel", f"per entry of axis {weight.axis}"
        )
    low, high = int(levels.min(initial=0)), int(levels.max(initial=0))
    _require(
        low >= -128 and high <= 127,
        node,
        "weights that fit int8 without their zero point",
        f"{low} to {high}",
    )
    scale = np.broadcast_to(weight.scale, (len(levels),)).copy()
    return np.ascontiguousarray(levels.astype(np.int8)), scale


def _with_bias(
    layer: OpenConv, node: GraphNode, operands: list[Value | None], shapes: list[tuple[int, ...]]
) -> OpenConv:
    """The layer with its constant bias, if it has one, which must have one of these shapes."""
    bias = operands[1] if len(operands) > 1 else None
    if not isinstance(bias, Constant | Dequantized):
        return layer
    found = np.shape(bias.value)
    _require(found in shapes, node, f"a bias of shape {shapes[0]}", found)
    layer.add_bias(bias)
    return layer


def _require(condition: bool, node: GraphNode, expected: str, found: Any) -> None:
    if not condition:
        raise OnnxModelError(f"{node.label} needs {expected}, not {found}")

"""One function per ONNX operator: from its inputs' values to the value of its output."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from crisp_sw.exchange.onnx.errors import OnnxModelError
from crisp_sw.exchange.onnx.file.budget import compared_images
from crisp_sw.exchange.onnx.importer.copies import FINE, copy_layer
from crisp_sw.exchange.onnx.importer.graph import GraphNode
from crisp_sw.exchange.onnx.importer.state import LoweringState, check_not_padded
from crisp_sw.exchange.onnx.importer.values import (
    BATCH,
    Activation,
    Constant,
    Dequantized,
    Image,
    OpenAverage,
    OpenConv,
    OpenLayer,
    Shape,
    Value,
)
from crisp_sw.exchange.onnx.operators import folding
from crisp_sw.exchange.onnx.operators.linear import open_conv, open_gemm, open_matmul
from crisp_sw.exchange.onnx.operators.pooling import (
    averages_single_pixels,
    averages_to_vector,
    max_pool_layer,
)
from crisp_sw.exchange.onnx.operators.quantization import (
    check_dequantized,
    dequantize,
    quantize_constant,
    quantized_code,
    same_code,
)

PASS_OPERATIONS = 1 << 14
"""Operations that take as long as going to the next place of a window does."""

Inputs = list[Value | None]
Handler = Callable[[LoweringState, GraphNode, Inputs], Value]


def _quantize_linear(state: LoweringState, node: GraphNode, inputs: Inputs) -> Value:
    source = inputs[0]
    if isinstance(source, Constant):
        return quantize_constant(node, source, inputs)
    code = quantized_code(node, inputs)
    if isinstance(source, Image):
        return state.quantize_image(node, source, code)
    if isinstance(source, OpenLayer):
        return state.close(node, source, code)
    activation = state.activation(node, source, padded=True)
    if not same_code(activation.code, code):
        check_not_padded(node, activation)
        return state.close(node, copy_layer(node, activation), code)
    code = replace(activation.code, dtype=code.dtype)
    sole = activation.sole and state.is_sole(node.outputs[0])
    return replace(activation, code=code, real=False, sole=sole)


def _dequantize_linear(state: LoweringState, node: GraphNode, inputs: Inputs) -> Value:
    source = inputs[0]
    if isinstance(source, Activation) and not source.real:
        check_dequantized(node, source, inputs)
        return replace(source, real=True, sole=source.sole and state.is_sole(node.outputs[0]))
    if isinstance(source, Constant):
        return dequantize(node, source, inputs)
    raise OnnxModelError(f"{node.label} must dequantize a constant or the output of QuantizeLinear")


def _convolution(state: LoweringState, node: GraphNode, inputs: Inputs) -> Value:
    opener = {"Conv": open_conv, "Gemm": open_gemm, "MatMul": open_matmul}[node.operator]
    padded = node.operator == "Conv"
    layer = opener(node, state.activation(node, inputs[0], padded=padded), inputs[1:])
    _count_operations(state, node, layer.weight.size, layer.weight.shape[2:], layer.shape)
    return layer


def _count_operations(
    state: LoweringState, node: GraphNode, per_pixel: int, window: Sequence[int], shape: Shape
) -> None:
    """Count what a layer of output (C, H, W) does, and the passes over the places of its window."""
    images = compared_images(state.graph.batch, state.graph.image[1])
    count = images * per_pixel * shape[1] * shape[2] + math.prod(window) * PASS_OPERATIONS
    state.graph.budget.take_operations(count, node.label)


def _add(state: LoweringState, node: GraphNode, inputs: Inputs) -> Value:
    for one, other in (inputs, inputs[::-1]):
        if isinstance(other, Constant | Dequantized):
            layer = one if isinstance(one, OpenConv) else copy_layer(node, state.activation(node, one), FINE)
            if layer.clamped:
                raise _has_ended(node, layer)
            if not _is_per_channel(layer, np.shape(other.value)):
                raise OnnxModelError(f"{node.label} adds a constant that is no bias per channel")
            layer.add_bias(other)
            return layer
    layer, residual = _addends(state, node, inputs)
    if layer.clamped or layer.residual is not None:
        raise _has_ended(node, layer)
    if residual.shape != layer.shape or residual.flat != layer.flat:
        raise OnnxModelError(
            f"{node.label} adds shapes {layer.shape} and {residual.shape}; expected equal ones"
        )
    layer.residual = residual
    return layer


def _has_ended(node: GraphNode, layer: OpenConv) -> OnnxModelError:
    return OnnxModelError(
        f"{node.label} adds to {layer.name!r}, which ends in an activation or addition; "
        "expected QuantizeLinear between them"
    )


def _addends(state: LoweringState, node: GraphNode, inputs: Inputs) -> tuple[OpenConv, Activation]:
    """The layer that adds, and what it adds; of two quantized tensors the finer one is copied.

    The finer one's multiplier is the smaller, which leaves the residual's all its 16 bits.
    """
    for one, other in (inputs, inputs[::-1]):
        if isinstance(one, OpenConv):
            return one, state.activation(node, other)
    activations = [state.activation(node, value) for value in inputs]
    finer, coarser = sorted(activations, key=lambda activation: activation.code.scale)
    return copy_layer(node, finer), coarser


def _is_per_channel(layer: OpenConv, shape: tuple[int, ...]) -> bool:
    """Whether a constant of this shape spreads over a layer's output with one value per channel."""
    axes = 1 if layer.flat else 3  # from the end to the channels
    size = int(np.prod(shape))
    if len(shape) > axes + 1:  # the sum would have more axes
        return False
    return size == 1 or (len(shape) >= axes and shape[-axes] == size == len(layer.bias))


def _clamp(state: LoweringState, node: GraphNode, inputs: Inputs) -> Value:
    source = inputs[0]
    layer = source if isinstance(source, OpenConv) else copy_layer(node, state.activation(node, source))
    low, high = (0.0, np.inf) if node.operator == "Relu" else folding.clip_bounds(node, inputs)
    layer.low, layer.high = max(layer.low, low), min(layer.high, high)
    return layer


def _max_pool(state: LoweringState, node: GraphNode, inputs: Inputs) -> Value:
    source = inputs[0] if isinstance(inputs[0], Activation) else state.activation(node, inputs[0])
    check_not_padded(node, source)
    if source.flat:
        raise OnnxModelError(f"{node.label} must read an image")
    layer, shape = max_pool_layer(node, source.shape)
    _count_operations(state, node, layer.kernel**2 * shape[0], [layer.kernel] * 2, shape)
    state.add(node, layer, (source.tensor,), shape, source.code)
    sole = state.is_sole(node.outputs[0])
    return Activation(layer.name, shape, source.code, real=source.real, sole=sole)


def _average(state: LoweringState, node: GraphNode, inputs: Inputs) -> Value:
    source = state.activation(node, inputs[0])
    if source.flat:
        raise OnnxModelError(f"{node.label} must read an image")
    if averages_single_pixels(node):
        return replace(source, sole=source.sole and state.is_sole(node.outputs[0]))
    flat = averages_to_vector(node, source.shape, inputs)
    weights = math.prod(source.shape)  # all of them 1
    state.graph.budget.take_memory(weights, node.label)
    _count_operations(state, node, weights, source.shape[1:], (source.shape[0], 1, 1))
    return OpenAverage(node.name, source, flat=flat)


def _reshape(state: LoweringState, node: GraphNode, inputs: Inputs) -> Value:
    source = inputs[0]
    if isinstance(source, Constant):
        return folding.fold_constants(node, inputs)
    if not isinstance(source, Activation | OpenLayer):
        raise OnnxModelError(f"{node.label} must read the output of a layer")
    check_not_padded(node, source)
    flat = folding.is_flat_after(node, source.shape, source.flat, inputs, state.graph.batch)
    if node.operator == "Reshape":
        state.reshaped[node.outputs[0]] = folding.integers(node, inputs, "shape")
    if isinstance(source, OpenLayer):
        source.flat = flat
        return source
    return replace(source, flat=flat, sole=source.sole and state.is_sole(node.outputs[0]))


def _pad(state: LoweringState, node: GraphNode, inputs: Inputs) -> Value:
    source = state.activation(node, inputs[0], padded=True)
    rows, columns = folding.zero_padding(node, inputs)
    return replace(source, padding=(source.padding[0] + rows, source.padding[1] + columns), sole=False)


def _shape(state: LoweringState, node: GraphNode, inputs: Inputs) -> Value:
    source = inputs[0]
    if not isinstance(source, Activation | Image | OpenLayer):
        return folding.fold_constants(node, inputs)
    check_not_padded(node, source)
    shape: Shape | tuple[int] = source.shape
    if not isinstance(source, Image) and source.flat:
        shape = (int(np.prod(shape)),)
    return Constant(folding.shape_slice(node, [state.graph.batch or BATCH, *shape]))


def _same(state: LoweringState, node: GraphNode, inputs: Inputs) -> Value:
    value = inputs[0]
    if isinstance(value, Activation):
        return replace(value, sole=value.sole and state.is_sole(node.outputs[0]))
    assert value is not None
    return value


def _dropout(state: LoweringState, node: GraphNode, inputs: Inputs) -> Value:
    training = inputs[2] if len(inputs) > 2 else None
    if isinstance(training, Constant) and training.value.any():
        raise OnnxModelError(f"{node.label} has training_mode true; expected false")
    if isinstance(inputs[0], Activation):
        state.activation(node, inputs[0], padded=True)
    return _same(state, node, inputs)


def _folded(state: LoweringState, node: GraphNode, inputs: Inputs) -> Value:
    return folding.fold_constants(node, inputs)


def _transpose(state: LoweringState, node: GraphNode, inputs: Inputs) -> Value:
    return folding.transpose_constant(node, inputs)


HANDLERS: dict[str, Handler] = {
    "QuantizeLinear": _quantize_linear,
    "DequantizeLinear": _dequantize_linear,
    "Conv": _convolution,
    "Gemm": _convolution,
    "MatMul": _convolution,
    "Add": _add,
    "Relu": _clamp,
    "Clip": _clamp,
    "MaxPool": _max_pool,
    "GlobalAveragePool": _average,
    "AveragePool": _average,
    "ReduceMean": _average,
    "Flatten": _reshape,
    "Reshape": _reshape,
    "Squeeze": _reshape,
    "Pad": _pad,
    "Identity": _same,
    "Dropout": _dropout,
    "Shape": _shape,
    "Constant": _folded,
    "Gather": _folded,
    "Unsqueeze": _folded,
    "Concat": _folded,
    "Slice": _folded,
    "ConstantOfShape": _folded,
    "Mul": _folded,
    "Cast": _folded,
    "Transpose": _transpose,
}

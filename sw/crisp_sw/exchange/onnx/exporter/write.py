"""From an integer network to an ONNX model with QDQ nodes.

Every layer is DequantizeLinear, a float operator, an addition, a clamp and QuantizeLinear, with nothing
quantized in between, so that a runtime rounds once per layer, as the core does. Weights are int8 per output
channel, biases int32 in steps of the accumulator, activations int8 with one scale and zero point per tensor.
"""

import json
from collections.abc import Mapping
from importlib import metadata as packages
from pathlib import Path
from typing import Any

import numpy as np

from crisp_files.atomic_files import write_bytes
from crisp_golden.arithmetic.inference import INPUT
from crisp_golden.arithmetic.network import MaxPool, Node, QuantizedConv, QuantizedNetwork
from crisp_golden.arithmetic.shapes import tensor_shapes
from crisp_golden.arithmetic.validation import validate_layer
from crisp_sw.exchange.onnx.errors import OnnxModelError
from crisp_sw.exchange.onnx.exporter.model_builder import ModelBuilder
from crisp_sw.exchange.onnx.exporter.scales import is_global_average, tensor_scales, weight_scales
from crisp_sw.exchange.onnx.library import onnx_library
from crisp_sw.exchange.onnx.unique_names import Key

IMAGE, LOGITS = "image", "logits"
IMAGE_KEY, LOGITS_KEY = ("", "graph", IMAGE), ("", "graph", LOGITS)  # unlike that of any layer's tensor
CLASSES_KEY, METADATA_KEY = "crisp.classes", "crisp.metadata"


def export_onnx(
    network: QuantizedNetwork, path: str | Path, metadata: Mapping[str, Any] | None = None
) -> None:
    """Write a network as an ONNX file, which is there completely or not at all.

    Parameters
    ----------
    metadata : JSON types kept in the file, such as mean and std of the network's images.

    Raises
    ------
    OnnxModelError : onnx is not installed, or the network has multipliers or names that QDQ cannot say.
    LayerError : a layer is not legal. Nothing is written.
    """
    write_bytes(Path(path), onnx_model(network, metadata).SerializeToString(deterministic=True))


def onnx_model(network: QuantizedNetwork, metadata: Mapping[str, Any] | None = None) -> Any:
    """The network as ``onnx.ModelProto``, from ``image`` float32[N, C, H, W] to ``logits`` float32[N, K].

    Raises
    ------
    OnnxModelError, LayerError : as `export_onnx`.
    """
    onnx = onnx_library()
    for node in network.nodes:
        if not node.name or node.name.encode(errors="ignore").decode() != node.name:
            raise OnnxModelError(
                f"a layer is called {node.name!a}; expected a Unicode text that is not empty"
            )
        if isinstance(node.layer, QuantizedConv):
            validate_layer(node.layer)
    writer = _NetworkWriter(network)
    writer.write()
    notes = {CLASSES_KEY: json.dumps(network.classes), METADATA_KEY: json.dumps(dict(metadata or {}))}
    model = writer.builder.model(IMAGE, network.input_shape, LOGITS, writer.result_shape)
    model.producer_name, model.producer_version = "crisp-stc", packages.version("crisp-stc")
    onnx.helper.set_model_props(model, notes)
    onnx.checker.check_model(model)
    return model


class _NetworkWriter:
    """One export: which tensors are there, and which of them have lost their image axes."""

    def __init__(self, network: QuantizedNetwork):
        self.network = network
        self.builder = ModelBuilder()
        self.shapes = tensor_shapes(network)
        self.scales = tensor_scales(network, self.shapes)
        self.zero_points = {INPUT: network.input_zero_point}
        self.flat: set[str] = set()
        for key in (IMAGE_KEY, LOGITS_KEY, *((name,) for name in self.shapes)):  # they choose first
            self.builder.tensors.of(key, key[-1])
        for node in network.nodes:
            self.builder.node_names.of((node.name,))

    @property
    def result_shape(self) -> tuple[int, ...]:
        """Of one image's result: (K,) where it has one pixel, else (K, H, W)."""
        shape = self.shapes[self.network.nodes[-1].name]
        return shape[:1] if shape[1:] == (1, 1) else shape

    def write(self) -> None:
        self._quantize(IMAGE, INPUT)
        for node in self.network.nodes:
            if isinstance(node.layer, MaxPool):
                self._max_pool(node, node.layer)
            else:
                self._conv(node, node.layer)
        last = self.network.nodes[-1].name
        if len(self.result_shape) == 1 and last not in self.flat:
            self.builder.node("Flatten", [self._real(last)], LOGITS_KEY, axis=1)
        else:
            self._real(last, LOGITS_KEY)

    def _max_pool(self, node: Node, layer: MaxPool) -> None:
        self.zero_points[node.name] = self.zero_points[node.inputs[0]]
        tensor = self.builder.node(
            "MaxPool",
            [self._image(node.inputs[0])],
            (node.name, "float"),
            name=(node.name,),
            kernel_shape=[layer.kernel] * 2,
            strides=[layer.stride] * 2,
            pads=[layer.padding] * 4,
        )
        self._quantize(tensor, node.name)

    def _conv(self, node: Node, layer: QuantizedConv) -> None:
        self.zero_points[node.name] = layer.y_zero_point
        self._check_zero_point(node, node.inputs[0], layer.x_zero_point)
        if layer.residual is not None:
            self._check_zero_point(node, node.inputs[1], layer.residual.zero_point)
        shape = self.shapes[node.inputs[0]]
        if is_global_average(layer, shape):
            tensor = self.builder.node(
                "GlobalAveragePool",
                [self._image(node.inputs[0])],
                (node.name, "float"),
                name=(node.name,),
            )
            self._quantize(tensor, node.name)
            return
        if layer.groups == 1 and layer.kernel == shape[1:] and layer.padding == (0, 0):
            tensor = self._gemm(node, layer)
        else:
            tensor = self._convolution(node, layer)
        if layer.residual is not None:
            operand = self._vector(node.inputs[1]) if node.name in self.flat else self._image(node.inputs[1])
            tensor = self.builder.node("Add", [tensor, operand], (node.name, "sum"))
        self._quantize(self._clamp(node, layer, tensor), node.name)

    def _check_zero_point(self, node: Node, tensor: str, expected: int) -> None:
        if self.zero_points[tensor] != expected:
            raise OnnxModelError(
                f"{node.name}: reads {tensor!r} with the zero point {expected}, which is made with "
                f"{self.zero_points[tensor]}; expected equal ones, as QDQ has one per tensor"
            )

    def _gemm(self, node: Node, layer: QuantizedConv) -> str:
        self.flat.add(node.name)
        inputs = [
            self._vector(node.inputs[0]),
            *self._parameters(node, layer, layer.weight.reshape(len(layer.weight), -1)),
        ]
        return self.builder.node("Gemm", inputs, (node.name, "float"), name=(node.name,), transB=1)

    def _convolution(self, node: Node, layer: QuantizedConv) -> str:
        return self.builder.node(
            "Conv",
            [self._image(node.inputs[0]), *self._parameters(node, layer, layer.weight)],
            (node.name, "float"),
            name=(node.name,),
            kernel_shape=list(layer.kernel),
            strides=[layer.stride] * 2,
            pads=[*layer.padding, *layer.padding],
            group=layer.groups,
        )

    def _parameters(self, node: Node, layer: QuantizedConv, weight: np.ndarray) -> list[str]:
        """Dequantized weight and bias; the bias without the share of the input's zero point."""
        x = self.scales[node.inputs[0]]
        scale = weight_scales(layer, x, self.scales[node.name])
        sums = layer.weight.sum(axis=(1, 2, 3), dtype=np.int64)
        bias = (layer.bias + layer.x_zero_point * sums).astype(np.int32)
        return [
            self.builder.dequantized((node.name, "weight"), weight, scale, np.zeros(len(scale), np.int8)),
            self.builder.dequantized((node.name, "bias"), bias, (scale * x).astype(np.float32)),
        ]

    def _clamp(self, node: Node, layer: QuantizedConv, tensor: str) -> str:
        """ReLU, or a clip to the real values of the lowest and the highest code."""
        if (layer.q_min, layer.q_max) == (layer.y_zero_point, 127):
            return self.builder.node("Relu", [tensor], (node.name, "relu"))
        if (layer.q_min, layer.q_max) == (-128, 127):
            return tensor
        scale = float(self.scales[node.name])
        bounds = [
            self.builder.constant((node.name, end), np.float32(scale * (code - layer.y_zero_point)))
            for end, code in (("lowest", layer.q_min), ("highest", layer.q_max))
        ]
        return self.builder.node("Clip", [tensor, *bounds], (node.name, "clip"))

    def _quantize(self, source: str, tensor: str) -> None:
        inputs = [source, *self._code(tensor)]
        self.builder.node("QuantizeLinear", inputs, (tensor,), name=(tensor, "quantize"))

    def _real(self, tensor: str, output: Key = ()) -> str:
        inputs = [self.builder.tensors.of((tensor,)), *self._code(tensor)]
        return self.builder.once("DequantizeLinear", inputs, output or (tensor, "real"))

    def _code(self, tensor: str) -> list[str]:
        return [
            self.builder.constant((tensor, "scale"), self.scales[tensor]),
            self.builder.constant((tensor, "zero_point"), np.int8(self.zero_points[tensor])),
        ]

    def _image(self, tensor: str) -> str:
        """The tensor as float32[N, C, H, W]."""
        real = self._real(tensor)
        if tensor not in self.flat:
            return real
        shape = self.builder.constant((tensor, "shape"), np.array([0, *self.shapes[tensor]], np.int64))
        return self.builder.once("Reshape", [real, shape], (tensor, "image"))

    def _vector(self, tensor: str) -> str:
        """The tensor as float32[N, C * H * W]."""
        real = self._real(tensor)
        return real if tensor in self.flat else self.builder.once("Flatten", [real], (tensor, "flat"), axis=1)

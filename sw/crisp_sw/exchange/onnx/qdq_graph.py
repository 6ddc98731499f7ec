"""Small QDQ graphs, written node by node, for tests of the importer."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

IMAGE_SHAPE = (4, 6, 6)


class QdqGraph:
    """A graph from ``image`` to ``result``, both float32; every method returns the name of its output."""

    def __init__(self, shape: tuple[Any, ...] = ("N", *IMAGE_SHAPE)):
        self.shape = shape
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self.sparse: list[onnx.SparseTensorProto] = []
        self.outputs = ["result"]
        self.opset = 17

    def constant(self, value: Any, dtype: Any = np.float32) -> str:
        name = f"constant{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(value, dtype), name))
        return name

    def node(self, operator: str, *inputs: str, output: str = "", domain: str = "", **attributes) -> str:
        output = output or f"{operator.lower()}{len(self.nodes)}"
        made = helper.make_node(operator, inputs, [output], name=output, domain=domain, **attributes)
        self.nodes.append(made)
        return output

    def q(self, source: str, scale: float = 0.1, zero_point: int = 0, dtype: Any = np.int8, **options) -> str:
        inputs = self.constant(scale), self.constant(zero_point, dtype)
        return self.node("QuantizeLinear", source, *inputs, **options)

    def dq(
        self, source: str, scale: float = 0.1, zero_point: int = 0, dtype: Any = np.int8, **options
    ) -> str:
        inputs = self.constant(scale), self.constant(zero_point, dtype)
        return self.node("DequantizeLinear", source, *inputs, **options)

    def qdq(self, source: str, scale: float = 0.1, zero_point: int = 0, dtype: Any = np.int8) -> str:
        return self.dq(self.q(source, scale, zero_point, dtype), scale, zero_point, dtype)

    def weight(self, shape: tuple[int, ...] = (4, 4, 3, 3), axis: int = 0, scale: float = 0.02) -> str:
        levels = np.random.default_rng(len(self.nodes)).integers(-99, 100, shape)
        scales = self.constant(scale * (1 + np.arange(shape[axis]) / 8))
        return self.node("DequantizeLinear", self.constant(levels, np.int8), scales, axis=axis)

    def conv(self, source: str, weight: str | None = None, output: str = "", **attributes) -> str:
        options = {"pads": [1, 1, 1, 1], **attributes}
        return self.node("Conv", source, weight or self.weight(), output=output, **options)

    def finish(self, source: str, scale: float = 0.3, zero_point: int = 0, dtype: Any = np.int8) -> None:
        """Quantize the result."""
        self.dq(self.q(source, scale, zero_point, dtype), scale, zero_point, dtype, output="result")

    def model(self) -> onnx.ModelProto:
        infos = [helper.make_tensor_value_info("image", TensorProto.FLOAT, self.shape)]
        results = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in self.outputs]
        graph = helper.make_graph(
            self.nodes, "test", infos, results, self.constants, sparse_initializer=self.sparse
        )
        opset = helper.make_opsetid("", self.opset)
        model = helper.make_model(graph, opset_imports=[opset], ir_version=8 if self.opset < 21 else 10)
        model = onnx.shape_inference.infer_shapes(model)
        for output in model.graph.output:  # graphs that make no sense have no shapes
            if not output.type.tensor_type.HasField("shape"):
                output.type.tensor_type.shape.dim.add().dim_param = "N"
        return model

    def save(self, path: Path) -> Path:
        path.write_bytes(self.model().SerializeToString())
        return path

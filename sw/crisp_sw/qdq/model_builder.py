"""Collects nodes and constants of an ONNX graph."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from crisp_sw.qdq.library import onnx_library

OPSET, IR_VERSION = 17, 8  # of 2022: the first that all runtimes of today read


class ModelBuilder:
    """An ONNX graph in the making; tensors are named by their makers."""

    def __init__(self):
        self._onnx: Any = onnx_library()
        self._nodes: list[Any] = []
        self._constants: dict[str, np.ndarray] = {}
        self._made: set[str] = set()

    def constant(self, name: str, value: np.ndarray | np.generic) -> str:
        """Add a constant unless it is there; return its name."""
        self._constants.setdefault(name, np.asarray(value))
        return name

    def node(self, operator: str, inputs: Sequence[str], output: str, *, name: str = "", **attributes) -> str:
        """Add a node; return the name of its only output."""
        made = self._onnx.helper.make_node(operator, inputs, [output], name=name or output, **attributes)
        self._nodes.append(made)
        self._made.add(output)
        return output

    def once(self, operator: str, inputs: Sequence[str], output: str, **attributes) -> str:
        """Add a node unless one with this output is there; return the output's name."""
        return output if output in self._made else self.node(operator, inputs, output, **attributes)

    def dequantized(
        self, name: str, levels: np.ndarray, scale: np.ndarray, zero_point: np.ndarray | None = None
    ) -> str:
        """Add integers with a scale per entry of the first axis; return the name of the real tensor."""
        inputs = [self.constant(name, levels), self.constant(f"{name}/scale", scale)]
        if zero_point is not None:
            inputs.append(self.constant(f"{name}/zero_point", zero_point))
        return self.node("DequantizeLinear", inputs, f"{name}/real", axis=0)

    def model(self, image: str, image_shape: Sequence[int], result: str, result_shape: Sequence[int]) -> Any:
        """The model that maps float32[N, *image_shape] to float32[N, *result_shape]."""
        onnx = self._onnx
        infos = [
            onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ["N", *shape])
            for name, shape in ((image, image_shape), (result, result_shape))
        ]
        constants = [onnx.numpy_helper.from_array(value, name) for name, value in self._constants.items()]
        graph = onnx.helper.make_graph(self._nodes, "crisp", infos[:1], infos[1:], constants)
        opset = onnx.helper.make_opsetid("", OPSET)
        return onnx.helper.make_model(graph, opset_imports=[opset], ir_version=IR_VERSION)

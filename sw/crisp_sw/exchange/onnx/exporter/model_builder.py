"""Collects nodes and constants of an ONNX graph."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from crisp_sw.exchange.onnx.library import onnx_library
from crisp_sw.exchange.onnx.unique_names import Key, UniqueNames

OPSET, IR_VERSION = 17, 8  # of 2022: the first that all runtimes of today read


class ModelBuilder:
    """An ONNX graph in the making.

    Attributes
    ----------
    tensors, node_names : names of the graph's tensors and of its nodes, which are apart.
    """

    def __init__(self):
        self._onnx: Any = onnx_library()
        self._nodes: list[Any] = []
        self._constants: dict[str, np.ndarray] = {}
        self._made: set[str] = set()
        self.tensors, self.node_names = UniqueNames(), UniqueNames()

    def constant(self, key: Key, value: np.ndarray | np.generic) -> str:
        """Add a constant unless it is there; return its name."""
        name = self.tensors.of(key)
        self._constants.setdefault(name, np.asarray(value))
        return name

    def node(self, operator: str, inputs: Sequence[str], output: Key, *, name: Key = (), **attributes) -> str:
        """Add a node called as its output, unless it has a name; return the name of its only output."""
        tensor = self.tensors.of(output)
        called = self.node_names.of(name) if name else self.node_names.of(("", *output), tensor)
        self._nodes.append(self._onnx.helper.make_node(operator, inputs, [tensor], name=called, **attributes))
        self._made.add(tensor)
        return tensor

    def once(self, operator: str, inputs: Sequence[str], output: Key, **attributes) -> str:
        """Add a node unless one with this output is there; return the output's name."""
        tensor = self.tensors.of(output)
        return tensor if tensor in self._made else self.node(operator, inputs, output, **attributes)

    def dequantized(
        self, key: Key, levels: np.ndarray, scale: np.ndarray, zero_point: np.ndarray | None = None
    ) -> str:
        """Add integers with a scale per entry of the first axis; return the name of the real tensor."""
        inputs = [self.constant(key, levels), self.constant((*key, "scale"), scale)]
        if zero_point is not None:
            inputs.append(self.constant((*key, "zero_point"), zero_point))
        return self.node("DequantizeLinear", inputs, (*key, "real"), axis=0)

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

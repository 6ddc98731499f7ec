"""An ONNX graph as the importer reads it: nodes with plain attributes, constants, and who reads what."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from crisp_sw.qdq.errors import OnnxModelError
from crisp_sw.qdq.library import onnx_library

OLDEST_OPSET = 13  # the first with a scale per channel


@dataclass(frozen=True)
class GraphNode:
    """One operator; absent optional inputs are empty strings."""

    name: str
    operator: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: dict[str, Any] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """How messages call it."""
        return f"{self.operator} {self.name!r}"


@dataclass(frozen=True)
class Graph:
    """A whole model.

    Attributes
    ----------
    image : name and (C, H, W) of the input.
    result : name of the output.
    readers : how many nodes, or graph outputs, read the values of each tensor.
    properties : the model's own notes.
    """

    image: tuple[str, tuple[int, int, int]]
    result: str
    nodes: list[GraphNode]
    constants: dict[str, np.ndarray]
    readers: Counter[str]
    properties: dict[str, str]


def read_graph(path: Path) -> Graph:
    """Read and check an ONNX file.

    Raises
    ------
    OnnxModelError : it is absent, damaged, no legal model, too old, or has not one image and one result.
    """
    onnx = onnx_library()
    try:
        model = onnx.load(str(path))
        onnx.checker.check_model(model)
    except OSError as error:
        raise OnnxModelError(f"{path}: cannot be read ({error.strerror}); expected an ONNX model") from error
    except Exception as error:  # protobuf and the checker have types of their own for damaged files
        reason = str(error).strip().partition("\n")[0]
        raise OnnxModelError(f"{path}: not a legal ONNX model ({reason})") from error
    _check_opset(path, model)
    graph = model.graph
    nodes = [_node(path, onnx, node) for node in graph.node]
    constants = {item.name: onnx.numpy_helper.to_array(item) for item in graph.initializer}
    if len(graph.output) != 1:
        raise OnnxModelError(f"{path}: {len(graph.output)} outputs; expected one")
    readers = Counter(name for node in nodes if node.operator != "Shape" for name in node.inputs if name)
    readers[graph.output[0].name] += 1
    return Graph(
        image=_image(path, [item for item in graph.input if item.name not in constants]),
        result=graph.output[0].name,
        nodes=nodes,
        constants=constants,
        readers=readers,
        properties={item.key: item.value for item in model.metadata_props},
    )


def _check_opset(path: Path, model: Any) -> None:
    opset = next((item.version for item in model.opset_import if item.domain in ("", "ai.onnx")), 0)
    if opset < OLDEST_OPSET:
        raise OnnxModelError(f"{path}: opset {opset}; expected {OLDEST_OPSET} or newer")


def _node(path: Path, onnx: Any, node: Any) -> GraphNode:
    if node.domain not in ("", "ai.onnx"):
        raise OnnxModelError(
            f"{path}: {node.op_type} {node.name!r} is of the domain {node.domain!r}; "
            "expected operators of ONNX itself"
        )
    attributes = {}
    for item in node.attribute:
        value = onnx.helper.get_attribute_value(item)
        if isinstance(value, onnx.TensorProto):
            value = onnx.numpy_helper.to_array(value)
        attributes[item.name] = value.decode() if isinstance(value, bytes) else value
    name = node.name or next(iter(node.output), "")
    return GraphNode(name, node.op_type, tuple(node.input), tuple(node.output), attributes)


def _image(path: Path, inputs: list[Any]) -> tuple[str, tuple[int, int, int]]:
    if len(inputs) != 1:
        names = ", ".join(item.name for item in inputs) or "none"
        raise OnnxModelError(f"{path}: inputs {names}; expected one image")
    dims = [dim.dim_value for dim in inputs[0].type.tensor_type.shape.dim]
    if len(dims) != 4 or min(dims[1:]) < 1:
        raise OnnxModelError(
            f"{path}: input {inputs[0].name!r} must be an image [N, C, H, W] with C, H and W given"
        )
    return inputs[0].name, (dims[1], dims[2], dims[3])

"""An ONNX graph as the importer reads it: nodes with plain attributes, constants, and who reads what."""

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from crisp_sw.exchange.onnx.errors import OnnxModelError
from crisp_sw.exchange.onnx.file.budget import ImportBudget
from crisp_sw.exchange.onnx.file.model import load_model, node_label
from crisp_sw.exchange.onnx.file.operator_table import OPERATORS
from crisp_sw.exchange.onnx.file.schema import Input
from crisp_sw.exchange.onnx.file.tensors import read_tensor
from crisp_sw.exchange.onnx.library import onnx_library


@dataclass(frozen=True)
class GraphNode:
    """One operator; absent optional inputs are empty strings.

    Attributes
    ----------
    attributes : of this node, and the defaults of the operator for those that it leaves out.
    declared : what is read of each of its inputs.
    """

    name: str
    operator: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: dict[str, Any] = field(default_factory=dict)
    declared: tuple[Input, ...] = ()

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
    batch : images at once; None if the file leaves that open.
    result : name of the output.
    constants : those that a node reads.
    readers : how many nodes, or graph outputs, read the values of each tensor.
    properties : the model's own notes.
    budget : bounds what may be made of the graph, and be done with it.
    model : the whole file, as ``onnx.ModelProto``.
    """

    image: tuple[str, tuple[int, int, int]]
    batch: int | None
    result: str
    nodes: list[GraphNode]
    constants: dict[str, np.ndarray]
    readers: Counter[str]
    properties: dict[str, str]
    budget: ImportBudget
    model: Any = field(repr=False)


def read_graph(path: Path) -> Graph:
    """Read and check an ONNX file.

    Raises
    ------
    OnnxModelError : as of `load_model`; or a node has something that the importer does not read, or the graph
        has not one image and one result.
    """
    model, opset, budget = load_model(path)
    graph = model.graph
    if len(graph.output) != 1:
        raise OnnxModelError(f"{len(graph.output)} outputs; expected one")
    result = graph.output[0].name
    nodes = [_node(node, opset) for node in graph.node]
    readers = Counter(name for node in nodes if node.operator != "Shape" for name in node.inputs if name)
    readers[result] += 1
    initialized = Counter(item.name for item in graph.initializer)
    twice = [name for name, count in initialized.items() if count > 1]
    if twice:
        raise OnnxModelError(f"two constants have the name {twice[0]!r}; expected one")
    image, batch = _image([item for item in graph.input if item.name not in initialized])
    budget.take_memory(math.prod(image[1]), f"input {image[0]!r} of (C, H, W) = {image[1]}")
    read = {name for node in nodes for name in node.inputs}
    constants = {item.name: read_tensor(item) for item in graph.initializer if item.name in read}
    return Graph(
        image=image,
        batch=batch,
        result=result,
        nodes=nodes,
        constants=constants,
        readers=readers,
        properties={item.key: item.value for item in model.metadata_props},
        budget=budget,
        model=model,
    )


def _node(node: Any, opset: int) -> GraphNode:
    label = node_label(node)
    if node.domain:
        raise OnnxModelError(f"{label} is of the domain {node.domain!r}; expected operators of ONNX itself")
    operator = OPERATORS.get(node.op_type)
    if operator is None:
        raise OnnxModelError(f"{label} has no integer counterpart; supported are {', '.join(OPERATORS)}")
    operator.check_counts(label, node.input, node.output, opset)
    attributes = operator.read_attributes(label, _attributes(label, node.attribute), opset)
    declared = tuple(operator.inputs_in(opset, len(node.input)))
    name = node.name or node.output[0]
    return GraphNode(name, node.op_type, tuple(node.input), tuple(node.output), attributes, declared)


def _attributes(label: str, items: Iterable[Any]) -> dict[str, tuple[str, Any]]:
    """Type and value of all attributes of a node by name."""
    onnx = onnx_library()
    found: dict[str, tuple[str, Any]] = {}
    for item in items:
        if item.name in found:
            raise OnnxModelError(f"{label} has {item.name} twice; expected it once")
        kind = onnx.AttributeProto.AttributeType.Name(item.type)
        value = onnx.helper.get_attribute_value(item)
        if kind == "TENSOR":
            value = read_tensor(value)
        found[item.name] = kind, value.decode(errors="replace") if isinstance(value, bytes) else value
    return found


def _image(inputs: list[Any]) -> tuple[tuple[str, tuple[int, int, int]], int | None]:
    """Name and (C, H, W) of the only input, and its batch."""
    if len(inputs) != 1:
        names = ", ".join(item.name for item in inputs) or "none"
        raise OnnxModelError(f"inputs {names}; expected one image")
    onnx, name, tensor = onnx_library(), inputs[0].name, inputs[0].type.tensor_type
    dims = [dim.dim_value for dim in tensor.shape.dim]
    if len(dims) != 4 or min(dims[1:]) < 1 or dims[0] < 0:
        raise OnnxModelError(f"input {name!r} must be an image [N, C, H, W] with C, H and W given")
    if tensor.elem_type != onnx.TensorProto.FLOAT:
        kinds = onnx.TensorProto.DataType
        kind = kinds.Name(tensor.elem_type) if tensor.elem_type in kinds.values() else tensor.elem_type
        raise OnnxModelError(f"input {name!r} has the type {kind}; expected FLOAT")
    return (name, (dims[1], dims[2], dims[3])), dims[0] or None

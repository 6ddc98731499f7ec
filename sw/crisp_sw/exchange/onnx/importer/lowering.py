"""Walks an ONNX graph in its order and turns its nodes into layers of an integer network."""

from dataclasses import replace

from crisp_golden.arithmetic.inference import INPUT
from crisp_golden.arithmetic.network import QuantizedNetwork
from crisp_sw.exchange.onnx.errors import OnnxModelError
from crisp_sw.exchange.onnx.importer.graph import Graph, GraphNode
from crisp_sw.exchange.onnx.importer.operands import check_operands, memory_of
from crisp_sw.exchange.onnx.importer.state import LoweredNetwork, LoweringState
from crisp_sw.exchange.onnx.importer.values import Activation, OpenLayer
from crisp_sw.exchange.onnx.operators.operators import HANDLERS
from crisp_sw.exchange.onnx.unique_names import UniqueNames


def lower_graph(graph: Graph) -> LoweredNetwork:
    """The integer network that a graph stands for, without patterns and class names.

    Raises
    ------
    OnnxModelError : a node cannot be expressed; the message names it and what was expected.
    """
    state, names = LoweringState(graph), UniqueNames()
    names.of((INPUT,))
    for index, node in enumerate(graph.nodes):
        _lower_node(state, replace(node, name=names.of((INPUT, str(index)), node.name)))
    result = state.values.get(graph.result)
    if isinstance(result, OpenLayer):
        raise OnnxModelError(
            f"the result, that of layer {result.name!r}, is not quantized; expected QuantizeLinear after it"
        )
    if not isinstance(result, Activation) or not state.nodes:
        raise OnnxModelError("the result is not the output of a quantized layer")
    if result.padding != (0, 0):
        raise OnnxModelError("the result is a padded image; expected the output of a quantized layer")
    if result.tensor != next(reversed(state.nodes)):
        raise OnnxModelError(f"the result must be that of the last layer, not of {result.tensor!r}")
    image = state.tensors[INPUT].code
    network = QuantizedNetwork(
        nodes=tuple(state.nodes.values()),
        input_shape=graph.image[1],
        input_scale=image.scale,
        input_zero_point=image.zero_point,
        scales={name: state.tensors[name].code.scale for name in state.nodes},
    )
    return LoweredNetwork(network, state.tensors, state.reshaped)


def _lower_node(state: LoweringState, node: GraphNode) -> None:
    missing = [name for name in node.inputs if name and name not in state.values]
    if missing:
        raise OnnxModelError(f"{node.label} reads {missing[0]!r}, a second output of its node")
    inputs = [state.values[name] if name else None for name in node.inputs]
    for name, value in zip(node.inputs, inputs, strict=True):
        quantizes = node.operator == "QuantizeLinear"  # as often as it likes, if always alike
        if isinstance(value, OpenLayer) and not quantizes and not state.is_sole(name):
            raise OnnxModelError(
                f"the float output of layer {value.name!r} has {state.graph.readers[name]} readers; "
                "expected one, or QuantizeLinear before them"
            )
    check_operands(node, inputs)
    value = HANDLERS[node.operator](state, node, inputs)
    if not any(value is item for item in inputs):
        state.graph.budget.take_memory(memory_of(value), node.label)
    state.values[node.outputs[0]] = value

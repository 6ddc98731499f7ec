"""What an import knows while it walks through a graph: the value of every tensor, and the layers so far."""

from crisp_golden.errors import LayerError
from crisp_golden.inference import INPUT
from crisp_golden.network import MaxPool, Node, QuantizedConv
from crisp_sw.qdq.errors import OnnxModelError
from crisp_sw.qdq.graph import Graph, GraphNode
from crisp_sw.qdq.values import Activation, Constant, Image, OpenConv, OpenLayer, Value
from crisp_sw.quantize.ranges import Affine


class LoweringState:
    """State of one import.

    Attributes
    ----------
    values : of the graph's tensors by name.
    input_code : of the image; None until it is quantized.
    nodes : of the integer network, in order.
    open : what the nodes were made from.
    scales : of the nodes' tensors.
    """

    def __init__(self, graph: Graph):
        self.graph = graph
        self.values: dict[str, Value] = {name: Constant(value) for name, value in graph.constants.items()}
        self.values[graph.image[0]] = Image(graph.image[1])
        self.input_code: Affine | None = None
        self.nodes: dict[str, Node] = {}
        self.open: dict[str, OpenLayer] = {}
        self.scales: dict[str, float] = {}

    def is_sole(self, name: str) -> bool:
        """Whether one node alone reads a tensor of the graph."""
        return self.graph.readers[name] == 1

    def activation(self, node: GraphNode, value: Value | None) -> Activation:
        """``value`` as the dequantized tensor that a float operator needs."""
        if isinstance(value, Activation) and value.real:
            return value
        if isinstance(value, OpenLayer):
            raise OnnxModelError(
                f"{node.label} reads {value.name!r} unquantized; expected QuantizeLinear between them"
            )
        if isinstance(value, Image):
            raise OnnxModelError(
                f"{node.label} reads the image unquantized; expected QuantizeLinear before it"
            )
        raise OnnxModelError(f"{node.label} must read a dequantized activation")

    def reopened(self, node: GraphNode, value: Value | None) -> OpenConv | None:
        """The convolution behind ``value`` if only this node reads it, with its output not quantized.

        That undoes the rounding of a convolution whose result is quantized once more after an addition or a
        clamp: the core rounds once.
        """
        if isinstance(value, OpenConv):
            return value
        if not isinstance(value, Activation) or not (value.real and value.sole):
            return None
        layer = self.open.get(value.tensor)
        return layer if isinstance(layer, OpenConv) and not layer.clamped else None

    def reopen(self, layer: OpenConv) -> None:
        """Take a layer out of the network, until it is quantized again."""
        self.nodes.pop(layer.name, None)
        self.scales.pop(layer.name, None)

    def close(self, node: GraphNode, layer: OpenLayer, code: Affine) -> Activation:
        """Quantize the output of a layer, which makes it a node of the network."""
        try:
            self.add(layer.close(code), layer.inputs, code)
        except LayerError as error:
            raise OnnxModelError(f"{layer.name}: {error}") from error
        self.open[layer.name] = layer
        sole = self.is_sole(node.outputs[0])
        return Activation(layer.name, layer.shape, code, flat=layer.flat, sole=sole)

    def add(self, layer: QuantizedConv | MaxPool, inputs: tuple[str, ...], code: Affine) -> None:
        """Append a layer with an output of code ``code``."""
        if layer.name in self.nodes or layer.name in ("", INPUT):
            raise OnnxModelError(f"two tensors would be named {layer.name!r}; expected unique names of nodes")
        self.nodes[layer.name] = Node(layer=layer, inputs=inputs)
        self.scales[layer.name] = code.scale

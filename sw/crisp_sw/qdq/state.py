"""What an import knows while it walks through a graph: the value of every tensor, and the layers so far."""

from dataclasses import dataclass

from crisp_golden.errors import LayerError
from crisp_golden.inference import INPUT
from crisp_golden.network import MaxPool, Node, QuantizedConv, QuantizedNetwork
from crisp_sw.qdq.copies import CopyLayer
from crisp_sw.qdq.errors import OnnxModelError
from crisp_sw.qdq.graph import Graph, GraphNode
from crisp_sw.qdq.values import Activation, Code, Constant, Image, OpenConv, OpenLayer, Shape, Value


@dataclass(frozen=True)
class SourceTensor:
    """What a tensor of the integer network is in the file.

    Attributes
    ----------
    graph_name : of the graph's tensor with its values, as codes or as real numbers.
    shape : (C, H, W) of one image, also where the graph has it flat.
    """

    graph_name: str
    shape: Shape
    code: Code


@dataclass(frozen=True)
class LoweredNetwork:
    """An integer network, and what its tensors, by name, are in the file that it comes from."""

    network: QuantizedNetwork
    tensors: dict[str, SourceTensor]


def check_not_padded(node: GraphNode, value: Value | None) -> None:
    """Check that a node does not read the output of Pad, which only convolutions take in.

    Raises
    ------
    OnnxModelError : it does.
    """
    if isinstance(value, Activation) and value.padding != (0, 0):
        raise OnnxModelError(f"{node.label} reads a padded image; expected Conv after Pad")


class LoweringState:
    """State of one import.

    Attributes
    ----------
    values : of the graph's tensors by name.
    nodes : of the integer network, in order.
    open : what the nodes were made from.
    tensors : of the integer network, in order, as the graph has them.
    """

    def __init__(self, graph: Graph):
        self.graph = graph
        self.values: dict[str, Value] = {name: Constant(value) for name, value in graph.constants.items()}
        self.values[graph.image[0]] = Image(graph.image[1])
        self.nodes: dict[str, Node] = {}
        self.open: dict[str, OpenLayer] = {}
        self.tensors: dict[str, SourceTensor] = {}

    def is_sole(self, name: str) -> bool:
        """Whether one node alone reads a tensor of the graph."""
        return self.graph.readers[name] == 1

    def activation(self, node: GraphNode, value: Value | None, *, padded: bool = False) -> Activation:
        """``value`` as the dequantized tensor that a float operator needs, padded only where it may be."""
        if isinstance(value, Activation) and value.real:
            if not padded:
                check_not_padded(node, value)
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

    def close(self, node: GraphNode, layer: OpenLayer, code: Code) -> Activation:
        """Quantize the output of a layer, which makes it a node of the network."""
        if isinstance(layer, CopyLayer):
            layer = self._without_copy(layer, code)
        try:
            self.add(node, layer.close(code), layer.inputs, layer.shape, code)
        except LayerError as error:
            raise OnnxModelError(f"{layer.name}: {error}") from error
        self.open[layer.name] = layer
        sole = self.is_sole(node.outputs[0])
        return Activation(layer.name, layer.shape, code, flat=layer.flat, sole=sole)

    def _without_copy(self, copy: CopyLayer, code: Code) -> OpenConv:
        """The convolution before a copy, taken back out of the network, if it can clamp as the copy does."""
        source = self.open.get(copy.x.tensor)
        if not (isinstance(source, OpenConv) and copy.x.sole and copy.is_only_a_clamp(code)):
            return copy
        del self.nodes[source.name], self.tensors[source.name]
        return copy.joined_to(source)

    def quantize_image(self, node: GraphNode, image: Image, code: Code) -> Activation:
        """The codes of the image, which ``node`` makes."""
        known = self.tensors.setdefault(INPUT, SourceTensor(node.outputs[0], image.shape, code))
        if (known.code.scale, known.code.zero_point) != (code.scale, code.zero_point):
            raise OnnxModelError(f"{node.label}: the image is quantized twice, with different scales")
        return Activation(INPUT, image.shape, code)

    def add(
        self,
        node: GraphNode,
        layer: QuantizedConv | MaxPool,
        inputs: tuple[str, ...],
        shape: Shape,
        code: Code,
    ) -> None:
        """Append a layer whose output, of code ``code``, is that of ``node``."""
        self.nodes[layer.name] = Node(layer=layer, inputs=inputs)
        self.tensors[layer.name] = SourceTensor(node.outputs[0], shape, code)

"""What an import knows while it walks through a graph: the value of every tensor, and the layers so far."""

from dataclasses import dataclass, replace

from crisp_golden.arithmetic.inference import INPUT
from crisp_golden.arithmetic.network import MaxPool, Node, QuantizedConv, QuantizedNetwork
from crisp_spec.errors import LayerError
from crisp_sw.exchange.onnx.errors import OnnxModelError
from crisp_sw.exchange.onnx.importer.copies import CopyLayer
from crisp_sw.exchange.onnx.importer.graph import Graph, GraphNode
from crisp_sw.exchange.onnx.importer.values import (
    Activation,
    Code,
    Constant,
    Image,
    OpenConv,
    OpenLayer,
    Shape,
    Value,
)


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
    """An integer network, and what its tensors, by name, are in the file that it comes from.

    Attributes
    ----------
    reshaped : shapes, with the number of images first, that Reshape nodes give tensors of the graph, by name.
    """

    network: QuantizedNetwork
    tensors: dict[str, SourceTensor]
    reshaped: dict[str, list[int]]


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
    closed : what the nodes were made to, by the graph's name of the real values and their code.
    tensors : of the integer network, in order, as the graph has them.
    reshaped : as of `LoweredNetwork`.
    """

    def __init__(self, graph: Graph):
        self.graph = graph
        self.values: dict[str, Value] = {name: Constant(value) for name, value in graph.constants.items()}
        self.values[graph.image[0]] = Image(graph.image[1])
        self.nodes: dict[str, Node] = {}
        self.open: dict[str, OpenLayer] = {}
        self.closed: dict[tuple[str, Code], Activation] = {}
        self.tensors: dict[str, SourceTensor] = {}
        self.reshaped: dict[str, list[int]] = {}

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
        """Quantize the output of a layer, which makes it a node of the network; once, if several nodes do so.

        Raises
        ------
        OnnxModelError : another node gives the output another code, or the core cannot do the layer.
        """
        key = node.inputs[0], code
        if key in self.closed:
            return replace(self.closed[key], code=code)
        source = self._source_that_clamps(layer, code)
        if source is None and layer.name in self.nodes:
            raise OnnxModelError(
                f"{node.label} quantizes the output of layer {layer.name!r}, which has another scale or zero "
                "point already; expected equal ones"
            )
        layer = source or layer
        try:
            self.add(node, layer.close(code), layer.inputs, layer.shape, code)
        except LayerError as error:
            raise OnnxModelError(f"{layer.name}: {error}") from error
        self.open[layer.name] = layer
        sole = self.is_sole(node.inputs[0]) and self.is_sole(node.outputs[0])
        closed = Activation(layer.name, layer.shape, code, flat=layer.flat, sole=sole)
        self.closed[key] = closed
        return closed

    def _source_that_clamps(self, layer: OpenLayer, code: Code) -> OpenConv | None:
        """Of a copy that only clamps codes: the convolution before it, which clamps in its place."""
        if not (isinstance(layer, CopyLayer) and layer.x.sole and layer.is_only_a_clamp(code)):
            return None
        source = self.open.get(layer.x.tensor)
        return layer.joined_to(source) if isinstance(source, OpenConv) else None

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

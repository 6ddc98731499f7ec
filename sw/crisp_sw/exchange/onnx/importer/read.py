"""From a QDQ ONNX file to an integer network with the hybrid patterns that its weights have."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from crisp_files.json_toml import ParseError, parse_json
from crisp_golden.arithmetic.network import Node, QuantizedConv, QuantizedNetwork
from crisp_golden.arithmetic.validation import validate_layer, validate_max_pool
from crisp_spec.errors import CrispError
from crisp_sw.exchange.onnx.errors import OnnxModelError
from crisp_sw.exchange.onnx.exporter.write import CLASSES_KEY, METADATA_KEY
from crisp_sw.exchange.onnx.importer.comparison import compare_with_file
from crisp_sw.exchange.onnx.importer.find_pattern import find_pattern
from crisp_sw.exchange.onnx.importer.graph import read_graph
from crisp_sw.exchange.onnx.importer.lowering import lower_graph

SUFFIX = ".onnx"


@dataclass(frozen=True, kw_only=True)
class OnnxNetwork:
    """An imported network.

    Attributes
    ----------
    metadata : JSON types that `crisp_sw.exchange.onnx.export_onnx` was given; empty for models of others.
    """

    network: QuantizedNetwork
    metadata: Mapping[str, Any] = field(default_factory=dict)


def is_onnx_file(path: str | Path) -> bool:
    """Whether the name is that of an ONNX file."""
    return Path(path).suffix.lower() == SUFFIX


def import_onnx(path: str | Path, *, m: int = 4) -> OnnxNetwork:
    """Read a quantized model and find the pattern of every layer.

    Parameters
    ----------
    m : group size of the patterns, that of the core.

    Raises
    ------
    OnnxModelError : onnx is not installed, the file is damaged, or the model has something that the integer
        network cannot express; the message names the node and what was expected.
    """
    path = Path(path)
    try:
        graph = read_graph(path)
        lowered = lower_graph(graph)
        network = lowered.network
        for node in network.nodes:
            if isinstance(node.layer, QuantizedConv):
                validate_layer(node.layer)
            else:
                validate_max_pool(node.layer)
        compare_with_file(graph, lowered)
        nodes = tuple(_with_pattern(node, m) for node in network.nodes)
    except CrispError as error:
        raise OnnxModelError(f"{path}: {error}") from error
    metadata = _notes(path, graph.properties, METADATA_KEY, dict)
    classes = _notes(path, graph.properties, CLASSES_KEY, list)
    if not all(isinstance(name, str) for name in classes):
        raise OnnxModelError(f"{path}: the property {CLASSES_KEY!r} must be a JSON list of texts")
    outputs = nodes[-1].layer.out_channels if isinstance(nodes[-1].layer, QuantizedConv) else len(classes)
    if classes and len(classes) != outputs:
        raise OnnxModelError(f"{path}: {len(classes)} class names; expected {outputs}")
    return OnnxNetwork(network=replace(network, nodes=nodes, classes=tuple(classes)), metadata=metadata)


def _with_pattern(node: Node, m: int) -> Node:
    layer = node.layer
    if not isinstance(layer, QuantizedConv):
        return node
    return replace(node, layer=replace(layer, pattern=find_pattern(layer.weight, layer.groups, m=m)))


def _notes(path: Path, properties: Mapping[str, str], key: str, kind: type) -> Any:
    try:
        value = parse_json(properties.get(key, "null"))
    except ParseError as error:
        raise OnnxModelError(f"{path}: the property {key!r} is not valid JSON ({error})") from error
    if value is None:
        return kind()
    if not isinstance(value, kind):
        raise OnnxModelError(f"{path}: the property {key!r} must be a JSON {kind.__name__}")
    return value

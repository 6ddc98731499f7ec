"""Reading a packed network: nothing is trusted that was not checked."""

import hashlib
import math
import os
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.numpy import load as deserialise

from crisp_files.input_files import open_regular, read_regular
from crisp_files.json_toml import parse_json
from crisp_golden.arithmetic.inference import INPUT, check_graph
from crisp_golden.arithmetic.network import MaxPool, Node, QuantizedNetwork
from crisp_golden.arithmetic.shapes import tensor_shapes
from crisp_golden.arithmetic.validation import validate_layer, validate_max_pool
from crisp_golden.format.weight_matrix import MAX_WEIGHTS
from crisp_spec.errors import CrispError, LayerError
from crisp_sw.exchange.packed.layout import (
    FORMAT,
    GRAPH_FILE,
    TENSOR_FILE,
    VERSION,
    NetworkFileError,
    Tensors,
    build_layer,
    integer,
)

MAX_GRAPH_BYTES = 1 << 27
MAX_NETWORK_WEIGHTS = 2 * MAX_WEIGHTS
MAX_TENSOR_VALUES = 1 << 28


def load_network(directory: str | Path) -> QuantizedNetwork:
    """Read a network that `save_network` wrote.

    Raises
    ------
    NetworkFileError : a file is absent, truncated, altered or of another version, an array is missing or
        left over, or a layer is not legal; the message names the file and what was expected.
    """
    directory = Path(directory)
    graph = _read_graph(directory / GRAPH_FILE)
    tensors = _read_tensors(directory / TENSOR_FILE, graph)
    try:
        network = _build(graph, tensors)
    except KeyError as error:
        raise NetworkFileError(f"{directory}: {error.args[0]!r} is missing") from error
    except (CrispError, TypeError, ValueError, AttributeError) as error:
        raise NetworkFileError(f"{directory}: not a legal network: {error}") from error
    if tensors:
        raise NetworkFileError(f"{directory / TENSOR_FILE}: unexpected array {min(tensors)!r}")
    return network


def load_metadata(directory: str | Path) -> dict[str, Any]:
    """What `save_network` was given as metadata.

    Raises
    ------
    NetworkFileError : ``network.json`` is absent or damaged.
    """
    path = Path(directory) / GRAPH_FILE
    metadata = _read_graph(path).get("metadata")
    if not isinstance(metadata, dict):
        raise NetworkFileError(f"{path}: entry 'metadata' must be an object, not {metadata!r}")
    return metadata


def _read_graph(path: Path) -> dict[str, Any]:
    try:
        graph = parse_json(read_regular(path, MAX_GRAPH_BYTES))
    except OSError as error:
        raise NetworkFileError(
            f"{path}: cannot be read ({error.strerror}); expected a packed network"
        ) from error
    except ValueError as error:
        raise NetworkFileError(f"{path}: not valid JSON ({error}); the file is damaged") from error
    if not isinstance(graph, dict) or graph.get("format") != FORMAT:
        raise NetworkFileError(f"{path}: not a packed network; expected the format {FORMAT!r}")
    if graph.get("version") != VERSION:
        raise NetworkFileError(f"{path}: version {graph.get('version')!r}; expected version {VERSION}")
    return graph


def _read_tensors(path: Path, graph: dict[str, Any]) -> Tensors:
    expected = graph.get("tensors")
    if not isinstance(expected, dict) or not {"bytes", "sha256"} <= expected.keys():
        raise NetworkFileError(
            f"{path.with_name(GRAPH_FILE)}: entry 'tensors' must have 'bytes' and 'sha256'"
        )
    try:
        with open_regular(path) as file:
            size = os.fstat(file.fileno()).st_size
            if size != expected["bytes"]:
                raise NetworkFileError(f"{path}: {size} bytes; expected {expected['bytes']}")
            data = file.read(size)
    except OSError as error:
        raise NetworkFileError(f"{path}: cannot be read ({error.strerror}); expected the arrays") from error
    if hashlib.sha256(data).hexdigest() != expected["sha256"]:
        raise NetworkFileError(f"{path}: altered or damaged; expected SHA-256 {expected['sha256']}")
    try:
        return deserialise(data)
    except (SafetensorError, KeyError, ValueError) as error:
        raise NetworkFileError(f"{path}: not a safetensors file ({error})") from error


def _build(graph: dict[str, Any], tensors: Tensors) -> QuantizedNetwork:
    channels, height, width = map(integer, graph["input"]["shape"])
    network = QuantizedNetwork(
        nodes=_nodes(graph["nodes"], tensors, channels),
        input_shape=(channels, height, width),
        input_scale=_scale("input", graph["input"]["scale"]),
        input_zero_point=_code(graph["input"]["zero_point"]),
        classes=_names("classes", graph["classes"]),
        scales={str(name): _scale(name, scale) for name, scale in graph.get("scales", {}).items()},
    )
    check_graph(network)
    for name, shape in tensor_shapes(network).items():
        if min(shape) < 1 or math.prod(shape) > MAX_TENSOR_VALUES:
            raise LayerError(
                f"tensor {name!r} has the shape {shape}, expected sizes of at least 1, and at most "
                f"{MAX_TENSOR_VALUES:,} values"
            )
    return network


def _nodes(entries: Any, tensors: Tensors, channels: int) -> tuple[Node, ...]:
    nodes, weights = [], 0
    made: dict[str, int | None] = {INPUT: channels}
    for entry in entries:
        inputs = _names("inputs", entry["inputs"])
        fed = made.get(inputs[0]) if inputs else None
        layer = build_layer(entry, tensors, fed)
        if isinstance(layer, MaxPool):
            validate_max_pool(layer)
        else:
            validate_layer(layer)
            fed, weights = layer.out_channels, weights + layer.weight.size
        if weights > MAX_NETWORK_WEIGHTS:
            raise LayerError(f"more than {MAX_NETWORK_WEIGHTS:,} weights up to layer {layer.name!r}")
        made[layer.name] = fed
        nodes.append(Node(layer=layer, inputs=inputs))
    return tuple(nodes)


def _code(value: Any) -> int:
    if not -128 <= integer(value) <= 127:
        raise ValueError(f"the input's zero point must be from -128 to 127, not {value}")
    return value


def _names(what: str, value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise TypeError(f"{what} must be a list of names, not {value!r}")
    return tuple(value)


def _scale(name: str, value: Any) -> float:
    if not isinstance(value, int | float) or not 0 < value < float("inf"):
        raise ValueError(f"the scale of {name!r} must be positive and finite, not {value!r}")
    return float(value)

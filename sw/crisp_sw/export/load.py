"""Reading a packed network: nothing is trusted that was not checked."""

import hashlib
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.numpy import load as deserialise

from crisp_golden.errors import CrispError
from crisp_golden.inference import check_graph
from crisp_golden.json_toml import parse_json
from crisp_golden.network import MaxPool, Node, QuantizedNetwork
from crisp_golden.validation import validate_layer, validate_max_pool
from crisp_sw.export.layout import (
    FORMAT,
    GRAPH_FILE,
    TENSOR_FILE,
    VERSION,
    NetworkFileError,
    Tensors,
    build_layer,
    integer,
)


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
        graph = parse_json(path.read_bytes())
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
    try:
        data = path.read_bytes()
    except OSError as error:
        raise NetworkFileError(f"{path}: cannot be read ({error.strerror}); expected the arrays") from error
    expected = graph.get("tensors")
    if not isinstance(expected, dict) or not {"bytes", "sha256"} <= expected.keys():
        raise NetworkFileError(
            f"{path.with_name(GRAPH_FILE)}: entry 'tensors' must have 'bytes' and 'sha256'"
        )
    if len(data) != expected["bytes"]:
        raise NetworkFileError(f"{path}: {len(data)} bytes; expected {expected['bytes']}")
    if hashlib.sha256(data).hexdigest() != expected["sha256"]:
        raise NetworkFileError(f"{path}: altered or damaged; expected SHA-256 {expected['sha256']}")
    try:
        return deserialise(data)
    except (SafetensorError, KeyError, ValueError) as error:
        raise NetworkFileError(f"{path}: not a safetensors file ({error})") from error


def _build(graph: dict[str, Any], tensors: Tensors) -> QuantizedNetwork:
    nodes = []
    for entry in graph["nodes"]:
        layer = build_layer(entry, tensors)
        if isinstance(layer, MaxPool):
            validate_max_pool(layer)
        else:
            validate_layer(layer)
        nodes.append(Node(layer=layer, inputs=tuple(entry["inputs"])))
    channels, height, width = graph["input"]["shape"]
    network = QuantizedNetwork(
        nodes=tuple(nodes),
        input_shape=(integer(channels), integer(height), integer(width)),
        input_scale=_scale("input", graph["input"]["scale"]),
        input_zero_point=_code(graph["input"]["zero_point"]),
        classes=_names(graph["classes"]),
        scales={str(name): _scale(name, scale) for name, scale in graph.get("scales", {}).items()},
    )
    check_graph(network)
    return network


def _code(value: Any) -> int:
    if not -128 <= integer(value) <= 127:
        raise ValueError(f"the input's zero point must be from -128 to 127, not {value}")
    return value


def _names(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise TypeError(f"classes must be a list of names, not {value!r}")
    return tuple(value)


def _scale(name: str, value: Any) -> float:
    if not isinstance(value, int | float) or not 0 < value < float("inf"):
        raise ValueError(f"the scale of {name!r} must be positive and finite, not {value!r}")
    return float(value)

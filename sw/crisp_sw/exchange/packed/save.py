"""Writing a packed network: the whole directory appears at once or not at all."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors.numpy import save as serialise

from crisp_files.atomic_directories import new_directory, require_replaceable
from crisp_golden.arithmetic.network import QuantizedConv, QuantizedNetwork
from crisp_golden.arithmetic.validation import validate_layer
from crisp_sw.exchange.packed.layout import (
    FORMAT,
    GRAPH_FILE,
    SUMMARY_FILE,
    TENSOR_FILE,
    VERSION,
    describe_layer,
    layer_tensors,
)


def save_network(
    network: QuantizedNetwork,
    directory: str | Path,
    metadata: Mapping[str, Any] | None = None,
    *,
    summary: str = "",
) -> None:
    """Write a network as a directory, replacing a network that is already there.

    Parameters
    ----------
    metadata : JSON types kept beside the network, such as mean and std of its images.
    summary : Markdown for people, kept beside it too.

    Raises
    ------
    OccupiedDirectoryError : ``directory`` exists and is not a packed network.
    PatternError, LayerError : a layer does not have its pattern, or is not legal. Nothing is written.
    """
    directory = Path(directory)
    require_network_or_free(directory)
    data = _tensor_bytes(network)
    graph = json.dumps(_graph(network, data, metadata or {}), indent=1) + "\n"
    with new_directory(directory) as temporary:
        (temporary / TENSOR_FILE).write_bytes(data)
        (temporary / GRAPH_FILE).write_text(graph)
        if summary:
            (temporary / SUMMARY_FILE).write_text(summary, encoding="utf-8")


def packed_bytes(network: QuantizedNetwork) -> int:
    """Size of the file with the arrays, nearly all of which is weights."""
    return len(_tensor_bytes(network))


def require_network_or_free(directory: Path) -> None:
    """Check, before any work is done, that a network may go to ``directory``.

    Raises
    ------
    OccupiedDirectoryError : it exists and is something else.
    """
    require_replaceable(directory, "packed network", (GRAPH_FILE, TENSOR_FILE, SUMMARY_FILE))


def is_network(directory: Path) -> bool:
    """True for a directory with nothing but the files of a packed network."""
    if not directory.is_dir():
        return False
    return {path.name for path in directory.iterdir()} - {SUMMARY_FILE} == {GRAPH_FILE, TENSOR_FILE}


def _tensor_bytes(network: QuantizedNetwork) -> bytes:
    tensors = {}
    for node in network.nodes:
        if isinstance(node.layer, QuantizedConv):
            validate_layer(node.layer)
        tensors |= layer_tensors(node.layer)
    return serialise(tensors)


def _graph(network: QuantizedNetwork, data: bytes, metadata: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "version": VERSION,
        "input": {
            "shape": list(network.input_shape),
            "scale": network.input_scale,
            "zero_point": network.input_zero_point,
        },
        "classes": list(network.classes),
        "scales": dict(network.scales),
        "nodes": [{**describe_layer(node.layer), "inputs": list(node.inputs)} for node in network.nodes],
        "tensors": {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()},
        "metadata": dict(metadata),
    }

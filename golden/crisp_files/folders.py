"""The folders that the project writes to unless told otherwise, in a checkout and where it is installed."""

import os
from pathlib import Path

from crisp_spec.errors import CrispError

_PROJECT = Path(__file__).resolve().parents[2]


class FolderError(CrispError):
    """There is no such folder here."""


def checkout() -> Path | None:
    """The checkout or unpacked source distribution that this package is part of; None if it is installed."""
    return _PROJECT if (_PROJECT / "golden" / "crisp_files").is_dir() else None


def in_checkout(path: str) -> Path:
    """Where the file or folder of that name within the project lies.

    Raises
    ------
    FolderError : the package is installed; what only developers of the project use is not there.
    """
    project = checkout()
    if project is None:
        raise FolderError(f"{path} is part of a checkout of crisp-stc, not of the installed package")
    return project / path


def user_cache() -> Path:
    """``$CRISP_CACHE``, else ``crisp-stc`` in the user's cache folder, which is ``$XDG_CACHE_HOME``.

    A variable that is empty counts as not set, and so does, as the XDG Base Directory Specification demands,
    an ``$XDG_CACHE_HOME`` that is no absolute path.

    Raises
    ------
    FolderError : neither variable is set, and the user has no home.
    """
    if chosen := os.environ.get("CRISP_CACHE"):
        return Path(chosen).absolute()  # programs that are started elsewhere are given its name
    if os.path.isabs(caches := os.environ.get("XDG_CACHE_HOME", "")):
        return Path(caches) / "crisp-stc"
    try:
        return Path.home() / ".cache" / "crisp-stc"
    except RuntimeError as error:
        raise FolderError("the user has no home folder; set CRISP_CACHE to a folder for caches") from error


def build_folder() -> Path:
    """Where what is built to be used again lies: ``build`` of the checkout, else of the user's cache."""
    return (checkout() or user_cache()) / "build"

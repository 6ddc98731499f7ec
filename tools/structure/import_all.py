"""Imports every module of a package, in an interpreter of its own, and prints what happened as JSON.

``python import_all.py PACKAGE FORBIDDEN...``: the forbidden packages are not to be had. ``refused`` has who
asked for one nevertheless, and for which; ``missing`` the modules that cannot be imported, each with its
reason; ``loaded`` all packages that have been imported; ``path_changed`` whether ``sys.path`` is another.
"""

import importlib
import json
import pkgutil
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType


class Refusal(MetaPathFinder):
    """Finds no module of the forbidden packages, whatever the path holds, and records who asked for one."""

    def __init__(self, forbidden: Sequence[str]):
        self.forbidden = frozenset(forbidden)
        self.asked: list[tuple[str, str]] = []

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Refuse a forbidden module, and leave others to the finders that follow."""
        if fullname.partition(".")[0] not in self.forbidden:
            return None
        self.asked.append((_asker(), fullname))
        raise ModuleNotFoundError(f"{fullname} is forbidden here", name=fullname)


def _asker() -> str:
    """The module whose import statement, or call, led here."""
    frame = sys._getframe(2)
    while frame is not None:
        name = frame.f_globals.get("__name__", "")
        if name not in ("importlib", "importlib._bootstrap", "importlib._bootstrap_external"):
            return name
        frame = frame.f_back
    return ""


def import_all(package: str, forbidden: Sequence[str]) -> dict[str, object]:
    """Import everything of ``package``, its ``__main__`` included."""
    before = list(sys.path)
    refusal = Refusal(forbidden)
    sys.meta_path.insert(0, refusal)
    missing: dict[str, str] = {}
    pending = [package]
    while pending:
        name = pending.pop(0)
        try:
            module = importlib.import_module(name)
        except ImportError as error:
            missing[name] = str(error)
            continue
        pending += [f"{name}.{found.name}" for found in pkgutil.iter_modules(getattr(module, "__path__", ()))]
    loaded = sorted({name.partition(".")[0] for name in sys.modules})
    return {
        "refused": refusal.asked,
        "missing": missing,
        "loaded": loaded,
        "path_changed": sys.path != before,
    }


if __name__ == "__main__":
    print(json.dumps(import_all(sys.argv[1], sys.argv[2:])))

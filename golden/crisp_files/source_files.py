"""The sources that a module depends on: what is made by them is kept under a name that holds their hash."""

import ast
import hashlib
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path

_OWN = "crisp_"
"""How the names of the project's packages begin."""
UNKNOWN = "?"
"""Stands for what only a run tells."""

_IMPORTERS = {"import_module", "__import__"}


@cache
def sources_hash(*modules: str) -> str:
    """Return a hash of the modules and of all modules of the project that they import, directly or not."""
    digest = hashlib.sha256()
    for name, file in source_files(*modules).items():
        digest.update(name.encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()


def source_files(*modules: str) -> dict[str, Path]:
    """Return the sources that modules consist of and depend on, by dotted name, with ``.pyi`` for stubs.

    Whatever they import of the project or of their own packages counts, wherever in them: in a function, or,
    of packages whose modules are imported on demand, in the stub that lists them. Importing a module runs the
    packages in which it lies; those are sources, too.

    Parameters
    ----------
    modules : dotted names.

    Raises
    ------
    ModuleNotFoundError : one of ``modules`` is not there.
    """
    found: dict[str, Path] = {}
    own = (_OWN, *(f"{name.partition('.')[0]}." for name in modules))
    for name in modules:
        if not _add(name, found, own):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
    return dict(sorted(found.items()))


def imported_modules(source: str, module: str, *, is_package: bool = False) -> set[str]:
    """Dotted names of all that a source imports, those that are taken out of a module included.

    Imports within functions count, those for type checkers only, and calls of ``import_module`` and
    ``__import__``: as much of their name as is literal, with `UNKNOWN` for the rest. So does an
    ``import_module`` that is handed to something else.

    Parameters
    ----------
    module : dotted name of the source, to which relative imports refer.
    is_package : whether it is the ``__init__`` of that name.
    """
    package = module if is_package else module.rpartition(".")[0]
    tree = ast.parse(source)
    called = {id(node.func): node for node in ast.walk(tree) if isinstance(node, ast.Call)}
    names: set[str] = set()
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=aliases):
                names |= {alias.name for alias in aliases}
            case ast.ImportFrom(names=aliases):
                names |= {f"{_origin(node, package)}.{alias.name}" for alias in aliases}
            case ast.Name(id=name) | ast.Attribute(attr=name) if name in _IMPORTERS:
                names.add(_called_with(called.get(id(node))))
    return names


def _add(name: str, found: dict[str, Path], own: tuple[str, ...]) -> bool:
    """Add a module and what it imports of ``own``; whether there is one of that name."""
    files = dict(_files_of(name))
    new = {key: file for key, file in files.items() if key not in found}
    found |= new
    if name.count("."):
        _add(name.rpartition(".")[0], found, own)
    for file in new.values():
        imports = imported_modules(file.read_text(encoding="utf-8"), name, is_package=file.stem == "__init__")
        for imported in imports:
            if imported.startswith(own) and not _add(imported, found, own):
                _add(imported.rpartition(".")[0], found, own)  # what it takes out of the module is no module
    return bool(files)


def _files_of(name: str) -> Iterator[tuple[str, Path]]:
    """The source of a module, or those of a package."""
    top, *rest = name.split(".")
    spec = find_spec(top)
    if spec is None or not spec.submodule_search_locations:
        return
    place = Path(spec.submodule_search_locations[0]).joinpath(*rest)
    for file in (place.with_suffix(".py"), place / "__init__.py", place / "__init__.pyi"):
        if file.is_file():
            yield name + (".pyi" if file.suffix == ".pyi" else ""), file


def _origin(node: ast.ImportFrom, package: str) -> str:
    """The module out of which names are taken."""
    if not node.level:
        return node.module or ""
    parts = package.split(".")
    base = parts[: len(parts) - node.level + 1]
    return ".".join([*base, *([node.module] if node.module else [])])


def _called_with(call: ast.Call | None) -> str:
    """As much as can be read of the name in a call that imports it."""
    match call.args if call else []:
        case [ast.Constant(value=str(name)), *_]:
            return name
        case [ast.JoinedStr(values=[ast.Constant(value=str(start)), *_]), *_]:
            return start + UNKNOWN
        case _:
            return UNKNOWN

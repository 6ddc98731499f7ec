"""What a Python source imports, wherever in it, and what it does to the path on which modules are found."""

import ast
from collections.abc import Iterator

UNKNOWN = "?"
"""Stands for what only a run tells."""

_CHANGES = {"append", "clear", "extend", "insert", "pop", "remove", "reverse", "sort"}
_IMPORTERS = {"import_module", "__import__"}


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


def path_changes(source: str) -> list[int]:
    """Numbers of the lines that change ``sys.path`` or could do so unseen.

    They call one of its methods, assign to it or to a part of it, use ``site.addsitedir``, or give the list a
    name of its own.
    """
    lines = set()
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Attribute(value=value, attr=name) if _is_path(value) and name in _CHANGES:
                lines.add(node.lineno)
            case ast.Attribute(ctx=ast.Store() | ast.Del()) if _is_path(node):
                lines.add(node.lineno)
            case ast.Subscript(value=value, ctx=ast.Store() | ast.Del()) if _is_path(value):
                lines.add(node.lineno)
            case ast.Assign(value=value) | ast.AnnAssign(value=value) | ast.NamedExpr(value=value):
                if value is not None and _is_path(value):
                    lines.add(node.lineno)
            case ast.ImportFrom(module="sys", names=aliases) if "path" in {alias.name for alias in aliases}:
                lines.add(node.lineno)
            case ast.Attribute(attr="addsitedir") | ast.alias(name="addsitedir"):
                lines.add(node.lineno)
    return sorted(lines)


def texts(source: str) -> Iterator[str]:
    """All literal texts of a source that are not there to be read by people alone, as docstrings are."""
    tree = ast.parse(source)
    said = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in said:
            yield node.value


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


def _is_path(node: ast.expr) -> bool:
    return isinstance(node, ast.Attribute) and node.attr == "path" and ast.unparse(node) == "sys.path"

"""What a Python source does to the path on which modules are found, and what it says to programs."""

import ast
from collections.abc import Iterator

_CHANGES = {"append", "clear", "extend", "insert", "pop", "remove", "reverse", "sort"}


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


def _is_path(node: ast.expr) -> bool:
    return isinstance(node, ast.Attribute) and node.attr == "path" and ast.unparse(node) == "sys.path"

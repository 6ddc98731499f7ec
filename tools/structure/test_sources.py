"""Imports and changes of the path are found wherever they are in a source."""

import pytest

from tools.structure.sources import imported_modules, path_changes, texts


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("import a.b, c as d", {"a.b", "c"}),
        ("from a.b import c, d as e", {"a.b.c", "a.b.d"}),
        ("from a import *", {"a.*"}),
        ("from . import c", {"one.two.c"}),
        ("from .c import d", {"one.two.c.d"}),
        ("from ..c import d", {"one.c.d"}),
        ("def f():\n    if x:\n        import a", {"a"}),
        ("if TYPE_CHECKING:\n    import a", {"a"}),
        ("importlib.import_module('a.b')", {"a.b"}),
        ("import_module(f'a.b.{name}')", {"a.b.?"}),
        ("import_module(f'{name}.b')", {"?"}),
        ("import_module(name)", {"?"}),
        ("import_module()", {"?"}),
        ("run(import_module, 'a')", {"?"}),
        ("__import__('a')", {"a"}),
        ("load = importlib.import_module", {"?"}),
        ("x = 'import a'", set()),
    ],
)
def test_imports_are_found_with_what_they_take_out_of_a_module(source: str, names: set[str]):
    assert imported_modules(source, "one.two.three") == names


def test_relative_imports_of_a_package_begin_with_itself():
    assert imported_modules("from .c import d", "one.two", is_package=True) == {"one.two.c.d"}


@pytest.mark.parametrize(
    "change",
    [
        "sys.path.append(x)",
        "sys.path.insert(0, x)",
        "sys.path.extend(x)",
        "sys.path.remove(x)",
        "sys.path = x",
        "sys.path += x",
        "sys.path[:0] = x",
        "sys.path[0] = x",
        "del sys.path[0]",
        "add = sys.path.append",
        "path = sys.path",
        "(path := sys.path).append(x)",
        "from sys import argv, path",
        "site.addsitedir(x)",
        "from site import addsitedir",
    ],
)
def test_changes_of_the_path_are_found(change: str):
    assert path_changes(f"import sys\ndef f():\n    {change}") == [3]


@pytest.mark.parametrize(
    "use", ["x in sys.path", "':'.join(sys.path)", "os.path.join(x)", "a.path.append(x)", "list(sys.path)"]
)
def test_what_only_reads_the_path_is_no_change(use: str):
    assert path_changes(f"import sys, os\n{use}") == []


def test_texts_are_all_literal_ones_but_docstrings():
    source = '"""Docs."""\ndef f(x="a"):\n    """More."""\n    return g("b", f"c{x}")\nY = 1\n"""Of Y."""\n'
    assert sorted(texts(source)) == ["a", "b", "c"]

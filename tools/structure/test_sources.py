"""Changes of the path and literal texts are found wherever they are in a source."""

import pytest

from tools.structure.sources import path_changes, texts


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

"""Tests of one part of the project import those of no other: what they share is in the product."""

import ast
from collections.abc import Iterator

import pytest

from tools.structure.packages import CHECKOUT_ONLY, PROJECT

FOLDERS = ("golden/tests", "hw/tests", "sw/tests", *CHECKOUT_ONLY)


def imported(source: str) -> Iterator[str]:
    """Dotted names of all modules, and of what is taken from them, that a source imports anywhere."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def reached(source: str, folder: str) -> set[str]:
    """The other folders that a source of ``folder`` imports from."""
    names = [f"{name}." for name in imported(source)]
    others = [other for other in FOLDERS if other != folder]
    return {
        other for other in others if any(name.startswith(f"{other.replace('/', '.')}.") for name in names)
    }


@pytest.mark.parametrize("folder", FOLDERS)
def test_tests_import_no_tests_of_other_parts(folder: str):
    sources = sorted((PROJECT / folder).rglob("*.py"))
    assert sources
    wrong = {
        str(path): found for path in sources if (found := reached(path.read_text(encoding="utf-8"), folder))
    }
    assert wrong == {}


@pytest.mark.parametrize(
    "statement",
    [
        "import cocotb_tests",
        "import golden.tests.strategies as s",
        "from golden import tests",
        "from golden.tests import strategies",
        "def f():\n    from fuzz.edits import edited",
    ],
)
def test_an_import_of_other_tests_is_found(statement: str):
    assert len(reached(statement, "hw/tests")) == 1


def test_imports_of_the_product_and_of_neighbours_are_no_others():
    assert (
        reached("import fuzzy\nfrom hw.tests import simulate\nimport crisp_golden.stimuli", "hw/tests")
        == set()
    )

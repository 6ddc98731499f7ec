"""A module depends on all that it imports, wherever in it, and on nothing else."""

from pathlib import Path

import pytest

from crisp_files.source_files import imported_modules, source_files, sources_hash

HOUSE = {
    "__init__.py": "",
    "roof.py": "from crisp_house.walls import brick\nimport json\n",
    "walls/__init__.py": "attach_stub(__name__)\n",
    "walls/__init__.pyi": "from .brick import lay\n",
    "walls/brick.py": "def lay():\n    from crisp_house import mortar\n    import crisp_house.roof\n",
    "mortar.py": "",
    "garden.py": "import crisp_house.roof\n",
}


@pytest.fixture
def house(monkeypatch, tmp_path) -> Path:
    """A package whose modules import each other, in a circle, too."""
    for name, text in HOUSE.items():
        file = tmp_path / "crisp_house" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    sources_hash.cache_clear()
    return tmp_path / "crisp_house"


def test_sources_are_those_that_are_imported_directly_or_not(house):
    assert source_files("crisp_house.roof") == {
        "crisp_house": house / "__init__.py",
        "crisp_house.mortar": house / "mortar.py",
        "crisp_house.roof": house / "roof.py",
        "crisp_house.walls": house / "walls" / "__init__.py",
        "crisp_house.walls.brick": house / "walls" / "brick.py",
        "crisp_house.walls.pyi": house / "walls" / "__init__.pyi",
    }
    assert list(source_files("crisp_house.mortar")) == ["crisp_house", "crisp_house.mortar"]


@pytest.mark.parametrize(
    ("edited", "changes"),
    [("roof.py", True), ("mortar.py", True), ("walls/__init__.pyi", True), ("garden.py", False)],
)
def test_the_hash_changes_with_the_sources_that_a_module_depends_on(house, edited: str, changes: bool):
    before = sources_hash("crisp_house.roof")
    with (house / edited).open("a") as file:
        file.write("# edited\n")
    sources_hash.cache_clear()
    assert (sources_hash("crisp_house.roof") != before) == changes


def test_modules_of_other_packages_are_followed_where_they_are_what_is_asked_for(house):
    shed = house.parent / "shed"
    shed.mkdir()
    (shed / "__init__.py").write_text("")
    (shed / "rake.py").write_text("import json, shed.spade, crisp_house.mortar\n")
    (shed / "spade.py").write_text("")
    wanted = ["crisp_house", "crisp_house.mortar", "shed", "shed.rake", "shed.spade"]
    assert list(source_files("shed.rake")) == wanted
    (house / "mortar.py").write_text("import shed.rake\n")
    assert list(source_files("crisp_house.mortar")) == ["crisp_house", "crisp_house.mortar"]


def test_a_module_that_is_not_there_is_named(house):
    with pytest.raises(ModuleNotFoundError, match=r"^No module named 'crisp_house\.cellar'$"):
        source_files("crisp_house.cellar")
    with pytest.raises(ModuleNotFoundError, match=r"^No module named 'crisp_palace'$"):
        source_files("crisp_palace")


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

"""Every file, folder, link, module and name that a document mentions is there."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from sw.tests.documents.markdown_blocks import DOCUMENTS, ROOT

TOP = ("golden", "hw", "sw", "cocotb_tests", "tools", "docs", "fuzz", "benchmarks", "constraints")
OF_OTHERS = {"main.py"}
"""Files of other projects that documents speak of."""

PACKAGES = {
    name: ROOT / folder / name
    for folder, names in {
        "golden": ("crisp_spec", "crisp_files", "crisp_golden"),
        "hw": ("crisp_hw", "crisp_sim"),
        "sw": ("crisp_sw", "crisp_cli"),
    }.items()
    for name in names
}


def codes(document: str) -> list[str]:
    """What stands between backquotes in the running text."""
    text = (ROOT / document).read_text(encoding="utf-8")
    prose = re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S)
    return re.findall(r"`([^`\n]+)`", prose)


@cache
def file_names() -> frozenset[str]:
    """Names of all files of the project's source folders."""
    return frozenset(path.name for folder in TOP for path in (ROOT / folder).rglob("*.*"))


@cache
def names_in(source: Path) -> frozenset[str]:
    """What a module defines or imports at its top, and the members of its classes."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            found.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, ast.ImportFrom):
            found |= {alias.asname or alias.name for alias in node.names}
    return frozenset(found)


def is_name(dotted: str) -> bool:
    """Whether a dotted name is a module of a package, or something in one."""
    first, *parts = dotted.split(".")
    place = PACKAGES[first]
    while parts and ((place / parts[0]).is_dir() or (place / f"{parts[0]}.py").is_file()):
        place = place / parts.pop(0)
    sources = [place.with_suffix(".py"), place / "__init__.py", place / "__init__.pyi"]
    known = frozenset().union(*(names_in(source) for source in sources if source.is_file()))
    return all(part.rstrip("()") in known for part in parts)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_paths_are_there(document: str):
    paths = [
        code for code in codes(document) if re.fullmatch(rf"(?:{'|'.join((*TOP, *PACKAGES))})/[\w./-]*", code)
    ]
    assert [path for path in paths if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_sources_named_alone_are_somewhere(document: str):
    names = [code for code in codes(document) if re.fullmatch(r"\w+\.(?:py|cpp|sh)", code)]
    assert [name for name in names if name not in file_names() | OF_OTHERS] == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_dotted_names_are_there(document: str):
    dotted = re.compile(rf"(?:{'|'.join(PACKAGES)})(?:\.\w+)+(?:\(\))?")
    names = [code for code in codes(document) if dotted.fullmatch(code)]
    assert [name for name in names if not is_name(name)] == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_lead_somewhere(document: str):
    text = (ROOT / document).read_text(encoding="utf-8")
    targets = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S))
    here = (ROOT / document).parent
    local = [target for target in targets if not re.match(r"https?:", target)]
    assert [target for target in local if not made(target) and not (here / target).exists()] == []


def made(target: str) -> bool:
    """Pages of the site that are made from docstrings."""
    return target.startswith("api/")


def test_what_is_not_there_is_found():
    assert not is_name("crisp_spec.commands.NO_SUCH_NAME")
    assert not is_name("crisp_spec.no_such_module.JOB_FIELDS")
    assert is_name("crisp_spec.commands.JOB_FIELDS")
    assert is_name("crisp_sw.prune.prune_for_classes")
    assert "no_such_file.py" not in file_names()

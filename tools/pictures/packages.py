"""The picture of the packages: which of them import which, from all import statements."""

import ast
from pathlib import Path

from tools.pictures.diagram import Arrow, Box, Diagram
from tools.pictures.hardware import PictureError

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = {
    "crisp_spec": "golden/crisp_spec",
    "crisp_files": "golden/crisp_files",
    "crisp_golden": "golden/crisp_golden",
    "crisp_hw": "hw/crisp_hw",
    "crisp_sim": "hw/crisp_sim",
    "crisp_sw": "sw/crisp_sw",
    "crisp_cli": "sw/crisp_cli",
}
BOXES = {
    "crisp_cli": Box(1, 0, "crisp_cli", "the program crisp"),
    "crisp_sim": Box(0, 1, "crisp_sim", "simulators, builds, buses"),
    "crisp_sw": Box(2, 1, "crisp_sw", "prune, quantize, compile, drive"),
    "crisp_hw": Box(0, 2, "crisp_hw", "the generator"),
    "crisp_golden": Box(2, 2, "crisp_golden", "the reference"),
    "crisp_files": Box(1, 3, "crisp_files", "files from anybody"),
    "crisp_spec": Box(1, 4, "crisp_spec", "the contract"),
}


def imported_packages(package: str) -> set[str]:
    """Packages of this project, besides itself, that any import statement of ``package`` names."""
    found = set()
    for source in (ROOT / FOLDERS[package]).rglob("*.py"):
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.add(node.module.partition(".")[0])
    return found & set(FOLDERS) - {package}


def packages_picture() -> Diagram:
    """An arrow for each import that does not follow from others.

    Raises
    ------
    PictureError : packages import each other in a circle.
    """
    imports = {package: imported_packages(package) for package in FOLDERS}
    reached = {package: _reached(package, imports) for package in FOLDERS}
    if circle := [package for package in FOLDERS if package in reached[package]]:
        raise PictureError(f"packages import each other: {', '.join(circle)}")
    arrows = [
        Arrow(package, one)
        for package, found in imports.items()
        for one in sorted(found)
        if not any(one in reached[other] for other in found - {one})
    ]
    return Diagram("Packages and what they import", BOXES, arrows)


def _reached(package: str, imports: dict[str, set[str]]) -> set[str]:
    found: set[str] = set()
    pending = list(imports[package])
    while pending:
        one = pending.pop()
        if one not in found:
            found.add(one)
            pending += imports[one]
    return found

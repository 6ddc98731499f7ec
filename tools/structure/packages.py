"""The packages of the product, and which of the others each may import: the directions, declared once."""

from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Package:
    """A package of the product.

    Attributes
    ----------
    folder : in the project, that holds the package.
    imports : the product's packages or modules that it may import, besides itself.
    needs : packages of others that it may import, by the names under which they are imported.
    """

    folder: str
    imports: frozenset[str] = frozenset()
    needs: frozenset[str] = frozenset()


def _package(folder: str, imports: str = "", needs: str = "") -> Package:
    return Package(folder, frozenset(imports.split()), frozenset(needs.split()))


PACKAGES = {
    "crisp_spec": _package("golden"),
    "crisp_files": _package("golden", "crisp_spec.errors"),
    "crisp_golden": _package("golden", "crisp_spec crisp_files", "numpy"),
    "crisp_hw": _package("hw", "crisp_spec crisp_files", "amaranth rich"),
    "crisp_sim": _package(
        "hw",
        "crisp_spec crisp_files crisp_golden crisp_hw",
        "amaranth cocotb cocotb_tools find_libpython numpy",
    ),
    "crisp_sw": _package(
        "sw",
        "crisp_spec crisp_files crisp_golden",
        "numpy torch safetensors lazy_loader sklearn PIL torchvision torch_pruning onnx onnxruntime google "
        "distributed matplotlib",
    ),
    "crisp_cli": _package(
        "sw",
        "crisp_spec crisp_files crisp_golden crisp_hw crisp_sim crisp_sw",
        "typer rich numpy torch safetensors cocotb",
    ),
}

CHECKOUT_ONLY = ("benchmarks", "cocotb_tests", "fuzz", "tools")
"""Packages that only a checkout has, and which the product therefore does without."""


def sources_of(name: str) -> list[Path]:
    """The Python files of a package of the product, and the stubs that tell what is imported on demand."""
    folder = PROJECT / PACKAGES[name].folder / name
    return sorted((*folder.rglob("*.py"), *folder.rglob("*.pyi")))


def may_import(name: str, module: str) -> bool:
    """Whether a package of the product may import a module of the product."""
    allowed = (name, *PACKAGES[name].imports)
    return any(module == one or module.startswith(f"{one}.") for one in allowed)

"""The import direction: golden needs NumPy alone, and hardware and software never meet."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FORBIDDEN = {
    "golden/crisp_golden": {"crisp_hw", "crisp_sw", "cocotb_tests"},
    "hw/crisp_hw": {"crisp_sw", "cocotb_tests"},
    "sw/crisp_sw": {"crisp_hw", "cocotb_tests"},
}
IMPORT_ALL_OF_GOLDEN = """
import importlib, pkgutil, sys
import crisp_golden
for module in pkgutil.walk_packages(crisp_golden.__path__, "crisp_golden."):
    importlib.import_module(module.name)
print(*sorted({name.partition(".")[0] for name in sys.modules}))
"""

COLLECT_WITH_NUMPY_ALONE = """
import sys
import pytest
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("torch", "onnx", "onnxruntime", "amaranth"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Absent())
sys.exit(pytest.main(["-q", "-rs", "-p", "no:cacheprovider", "--no-header", *sys.argv[1:]]))
"""


def imported_packages(source: Path) -> set[str]:
    """Top-level packages that a file imports, anywhere in it."""
    packages = set()
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            packages |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            packages.add(node.module.partition(".")[0])
    return packages


@pytest.mark.parametrize("package", FORBIDDEN)
def test_packages_import_in_one_direction(package: str):
    sources = sorted((ROOT / package).rglob("*.py"))
    assert sources
    for source in sources:
        assert not imported_packages(source) & FORBIDDEN[package], source


def test_golden_imports_numpy_and_the_standard_library_only():
    sources = sorted((ROOT / "golden/crisp_golden").rglob("*.py"))
    packages = set().union(*(imported_packages(source) for source in sources))
    assert packages - sys.stdlib_module_names == {"numpy", "crisp_golden"}


def test_importing_golden_loads_neither_amaranth_nor_torch():
    result = subprocess.run(
        [sys.executable, "-c", IMPORT_ALL_OF_GOLDEN], capture_output=True, text=True, check=True
    )
    loaded = set(result.stdout.split())
    assert {"crisp_golden", "numpy"} <= loaded
    assert not loaded & {"amaranth", "torch", "crisp_hw", "crisp_sw"}


def test_golden_is_tested_without_torch_too():
    """Everything is collected, and what compares with other packages skips with a reason."""
    chosen = "max_pool or accumulators"
    result = subprocess.run(
        [sys.executable, "-c", COLLECT_WITH_NUMPY_ALONE, "golden/tests", "-k", chosen],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    reasons = [line for line in result.stdout.splitlines() if line.startswith("SKIPPED")]
    assert any("compares with PyTorch, which golden does without" in reason for reason in reasons)
    assert any("compares with ONNX Runtime, which golden does without" in reason for reason in reasons)

"""Golden's tests run where NumPy is all that there is."""

import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]

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


def test_golden_is_tested_without_torch_too():
    """Everything is collected, and what compares with other packages skips with a reason."""
    chosen = "max_pool or accumulators"
    result = subprocess.run(
        [sys.executable, "-c", COLLECT_WITH_NUMPY_ALONE, "golden/tests", "-k", chosen],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    reasons = [line for line in result.stdout.splitlines() if line.startswith("SKIPPED")]
    assert any("compares with PyTorch, which golden does without" in reason for reason in reasons)
    assert any("compares with ONNX Runtime, which golden does without" in reason for reason in reasons)

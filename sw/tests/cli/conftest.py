"""What tests of commands share: a network pruned for three digits, and its packed integer network."""

from pathlib import Path

import pytest

from sw.tests.cli.runner import accuracy_of, figures_of


@pytest.fixture(scope="session")
def pruned(digits_checkpoint, tmp_path_factory) -> Path:
    """A directory of ``crisp prune``."""
    out = tmp_path_factory.mktemp("pruned") / "pruned"
    arguments = ("--samples", 60, "--iterations", 1, "--final-epochs", 1, "--sparsity", 0.8)
    figures = figures_of("prune", digits_checkpoint, "--classes", "3,8,5", "--out", out, *arguments)
    assert figures["sparsity"] >= 0.8
    assert figures["classes"] == ["3", "8", "5"]
    assert not out.with_name("pruned.state").exists()
    return out


@pytest.fixture(scope="session")
def network(pruned, tmp_path_factory) -> Path:
    """A directory of ``crisp quantize``."""
    out = tmp_path_factory.mktemp("network") / "network"
    figures = figures_of("quantize", pruned, "--out", out, "--samples", 32)
    assert abs(figures["accuracy"]["int8"] - accuracy_of(pruned)["pruned"]) < 0.05
    return out

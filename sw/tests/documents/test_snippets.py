"""Every Python snippet of the documents runs as it is printed, with smaller numbers."""

import pytest

from crisp_sw.data import load_dataset
from crisp_sw.errors import DatasetError
from crisp_sw.prune.settings import prune_settings
from crisp_sw.prune.settings.prune_settings import prune_methods
from sw.tests.documents.markdown_blocks import DOCUMENTS, ROOT, blocks

SMALLER = {
    "per_class=500": "per_class=16",
    "per_class=1000": "per_class=16",
    "CrispPruning(n=1, m=4, sparsity=0.92)": (
        "CrispPruning.of(n=1, m=4, sparsity=0.92, iterations=1, final_epochs=1, batch_size=16)"
    ),
    "[:256]": "[:16]",
    "samples.images[::4]": "samples.images[:16]",
}
WITH_PYTHON = [name for name in DOCUMENTS if any(block.language == "python" for block in blocks(name))]


def smaller(source: str) -> str:
    """The snippet with the smaller numbers."""
    for large, small in SMALLER.items():
        source = source.replace(large, small)
    return source


def has_fashion_mnist() -> bool:
    """Whether the data set is here: snippets use it, and tests download nothing."""
    try:
        load_dataset("fashion-mnist")
    except DatasetError:
        return False
    return True


@pytest.fixture(autouse=True)
def no_download(monkeypatch: pytest.MonkeyPatch):
    def refuse(*_: object, **__: object) -> None:
        raise DatasetError("tests download nothing")

    monkeypatch.setattr("crisp_sw.data.sources.fashion_mnist.fetch", refuse, raising=False)


@pytest.fixture(autouse=True)
def methods_of_snippets(monkeypatch: pytest.MonkeyPatch):
    """Methods of pruning that a snippet declares are forgotten after it."""
    monkeypatch.setattr(prune_settings, "_METHODS", {**prune_methods()})


def test_documents_with_snippets_are_found():
    assert {"README.md", "docs/pruning.md", "docs/quantization.md", "docs/tutorial.md"} <= set(WITH_PYTHON)


def test_every_smaller_number_belongs_to_a_snippet():
    sources = "".join(block.text for name in WITH_PYTHON for block in blocks(name))
    assert [large for large in SMALLER if large not in sources] == []


@pytest.mark.parametrize("document", WITH_PYTHON)
def test_snippets_run_one_after_another(document: str, tmp_path, monkeypatch: pytest.MonkeyPatch):
    snippets = [block for block in blocks(document) if block.language == "python"]
    if any("fashion" in block.text for block in snippets) and not has_fashion_mnist():
        pytest.skip("Fashion-MNIST is not here")
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for block in snippets:
        # Line numbers of a traceback are those of the document.
        source = "\n" * (block.line - 1) + smaller(block.text)
        exec(compile(source, str(ROOT / document), "exec"), names)

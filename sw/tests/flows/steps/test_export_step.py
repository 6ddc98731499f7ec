"""Every model in every format that suits it, and a clear no to the others."""

import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from crisp_files.documents import read_document
from crisp_files.json_files import read_json
from crisp_golden.arithmetic.inference import run_network
from crisp_spec.errors import CrispError
from crisp_sw.exchange.checkpoint import load_checkpoint
from crisp_sw.exchange.network_source import is_quantized, open_network
from crisp_sw.exchange.onnx import OnnxModelError
from crisp_sw.exchange.packed import load_metadata, load_network, save_network
from crisp_sw.exchange.pruned_model import PrunedModel, save_pruned
from crisp_sw.flows.steps import export_step
from crisp_sw.flows.steps.export_step import ExportError, export_model
from crisp_sw.models import build_model
from crisp_sw.results.steps import ExportStep
from crisp_sw.synthetic import LayerSparsity
from crisp_sw.synthetic.masks import hybrid_mask
from sw.tests.small_programs import small_network


@pytest.fixture
def pruned(digits_checkpoint, tmp_path) -> Path:
    model, info = load_checkpoint(digits_checkpoint)
    weight = model.get_parameter("stage2.conv1.weight")
    mask, pattern = hybrid_mask(weight, LayerSparsity(n=2, kept_share=0.5))
    with torch.no_grad():
        weight.mul_(mask)
    figures, patterns = {"sparsity": 0.75}, {"stage2.conv1": pattern}
    save_pruned(tmp_path / "pruned", PrunedModel(model=model, info=info, patterns=patterns, figures=figures))
    return tmp_path / "pruned"


@pytest.fixture
def packed(tmp_path) -> Path:
    save_network(small_network(), tmp_path / "packed", {"dataset": "noise"})
    return tmp_path / "packed"


def test_float_model_to_a_plain_state_dict(digits_checkpoint, tmp_path):
    figures = export_model(str(digits_checkpoint), tmp_path / "a.safetensors")
    assert figures.format == "state-dict"
    assert figures.bytes == (tmp_path / "a.safetensors").stat().st_size
    model = build_model("small-resnet", in_channels=1, num_classes=10)
    model.load_state_dict(load_file(tmp_path / "a.safetensors"))
    export_model(str(digits_checkpoint), tmp_path / "a.pth")
    model.load_state_dict(torch.load(tmp_path / "a.pth", weights_only=True))


def test_network_to_onnx_and_back(packed, tmp_path):
    there = export_model(str(packed), tmp_path / "a.onnx")
    assert (there.format, there.layers) == ("qdq-onnx", len(small_network().nodes))
    back = export_model(str(tmp_path / "a.onnx"), tmp_path / "again")
    assert back.format == "packed"
    assert back.sparse_layers == there.sparse_layers
    assert (there.sparse_layers or 0) > 10
    assert load_metadata(tmp_path / "again") == {"dataset": "noise"}
    x = np.random.default_rng(0).integers(-128, 128, (1, 3, 32, 32)).astype(np.int8)
    one, two = run_network(small_network(), x), run_network(load_network(tmp_path / "again"), x)
    assert all(np.array_equal(tensor, two[name]) for name, tensor in one.items())


def test_directory_has_the_model_its_masks_figures_and_a_summary(pruned, tmp_path):
    figures = export_model(str(pruned), tmp_path / "out", command="crisp export ...")
    names = ["export.json", "masks.safetensors", "model.safetensors", "summary.md"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == names
    assert read_document(ExportStep, tmp_path / "out" / "export.json") == figures
    assert figures.command == "crisp export ..."
    assert figures.figures == {"sparsity": 0.75}
    assert (figures.checkpoint or {})["dataset"] == "digits"
    weights = load_file(tmp_path / "out" / "model.safetensors")
    masks = load_file(tmp_path / "out" / "masks.safetensors")
    assert torch.equal(masks["stage2.conv1"], weights["stage2.conv1.weight"] != 0)
    summary = (tmp_path / "out" / "summary.md").read_text()
    assert f"**zeros**: {figures.zeros}" in summary
    export_model(str(pruned), tmp_path / "out")  # replaces its own


def test_figures_and_summary_lie_beside_a_file(packed, digits_checkpoint, tmp_path):
    for source, name in (
        (packed, "a.onnx"),
        (digits_checkpoint, "a.pth"),
        (digits_checkpoint, "a.safetensors"),
    ):
        figures = export_model(str(source), tmp_path / name)
        assert read_json(tmp_path / f"{name}.json")["bytes"] == figures.bytes
        assert f"**format**: {figures.format}" in (tmp_path / f"{name}.md").read_text()
    there = export_model(str(packed), tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "export.json",
        "network.onnx",
        "summary.md",
    ]
    assert there.figures == {"dataset": "noise"}
    export_model(str(tmp_path / "a.onnx"), tmp_path / "again")
    assert "**format**: packed" in (tmp_path / "again" / "summary.md").read_text()


def test_open_network_takes_both(packed, tmp_path):
    export_model(str(packed), tmp_path / "a.onnx")
    for path in (packed, tmp_path / "a.onnx"):
        assert is_quantized(path)
        network, metadata = open_network(path)
        assert len(network.nodes) == len(small_network().nodes)
        assert metadata == {"dataset": "noise"}
    assert not is_quantized(tmp_path)
    (packed / "notes.txt").touch()  # of the user: the network stays one
    assert is_quantized(packed)


def test_nothing_but_an_older_export_is_overwritten(packed, digits_checkpoint, tmp_path):
    out = tmp_path / "a.safetensors"
    for _ in range(2):
        export_model(str(digits_checkpoint), out)
    mine = tmp_path / "mine.safetensors"
    shutil.copy(digits_checkpoint, mine)
    (tmp_path / "b.onnx.md").write_text("notes")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    for source, name, message in (
        (mine, mine, "mine.safetensors exists and is no result of `crisp export`"),
        (packed, tmp_path / "b.onnx", "b.onnx.md exists and is no result of `crisp export`"),
        (packed, packed / "net.onnx", "net.onnx lies in .*packed, whose files belong together"),
        (mine, tmp_path, "exists and is no result of `crisp export`"),
        (mine, Path("."), "'.' has no name; expected a path such as build/result"),
    ):
        with pytest.raises(CrispError, match=message):
            export_model(str(source), name)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_formats_that_do_not_suit(packed, digits_checkpoint, tmp_path):
    export_model(str(packed), tmp_path / "a.onnx")
    before = sorted(path.name for path in tmp_path.iterdir())
    for source, out, message in (
        (digits_checkpoint, "b.onnx", "is a float model, and ONNX goes out quantized; expected the network"),
        (digits_checkpoint, "b.h5", "expected a name that ends in .safetensors, .pt"),
        (packed, "b.safetensors", "is a quantized network; expected a name that ends in .onnx"),
        (packed, "b.h5", "is a quantized network; expected a name that ends in .onnx"),
        (packed, "packed", "packed exists and is no result of `crisp export`; expected a new or empty"),
        (tmp_path / "a.onnx", "b.onnx", "is a quantized network; expected a directory"),
        (tmp_path / "nothing.onnx", "b", "nothing.onnx: cannot be read"),
        (tmp_path / "nothing", "b.safetensors", "no checkpoint"),
    ):
        with pytest.raises(CrispError, match=message):
            export_model(str(source), tmp_path / out)
    assert issubclass(ExportError, CrispError)
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_missing_onnx_is_found_before_the_network_is_read(packed, tmp_path, monkeypatch):
    monkeypatch.setattr(export_step, "open_network", None)
    monkeypatch.setitem(sys.modules, "onnx.checker", None)
    with pytest.raises(OnnxModelError, match="ONNX files need the package onnx"):
        export_model(str(packed), tmp_path / "network.onnx")


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(30, "Read-only file system")])
def test_an_export_that_does_not_end_can_be_asked_for_again(packed, tmp_path, monkeypatch, error):
    def fail(*_: object) -> None:
        raise error

    with monkeypatch.context() as patched:
        patched.setattr(export_step, "write_document", fail)
        with pytest.raises(type(error)):
            export_model(str(packed), tmp_path / "out.onnx")
    assert not (tmp_path / "out.onnx").exists()
    export_model(str(packed), tmp_path / "out.onnx")
    assert (tmp_path / "out.onnx.json").exists()

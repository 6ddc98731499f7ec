"""A pruned model comes back with its patterns and figures, or with one clear error."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from crisp_files.atomic_directories import OccupiedDirectoryError
from crisp_sw.errors import CheckpointError
from crisp_sw.exchange.checkpoint import CheckpointInfo, read_tensors, save_checkpoint, write_tensors
from crisp_sw.exchange.model_files import MASK_FILE, MODEL_FILE, PATTERN_FILE, PRUNING_FILE
from crisp_sw.exchange.packed.layout import SUMMARY_FILE
from crisp_sw.exchange.pruned_model import PrunedModel, load_pruned, save_pruned
from crisp_sw.models import build_model
from crisp_sw.synthetic import LayerSparsity
from crisp_sw.synthetic.masks import hybrid_mask

INFO = CheckpointInfo(
    model="small-resnet",
    in_channels=1,
    num_classes=2,
    classes=("cat", "dog"),
    image_size=(8, 8),
    mean=(0.25,),
    std=(0.5,),
    dataset="digits",
    accuracy=0.5,
)


@pytest.fixture
def pruned() -> PrunedModel:
    torch.manual_seed(0)
    model = build_model("small-resnet", in_channels=1, num_classes=2)
    weight = model.get_parameter("stage2.conv1.weight")
    mask, pattern = hybrid_mask(weight, LayerSparsity(n=2, kept_share=0.5))
    with torch.no_grad():
        weight.mul_(mask)
    return PrunedModel(
        model=model,
        info=INFO,
        patterns={"stage2.conv1": pattern},
        figures={"sparsity": 0.9, "classes": ["cat", "dog"]},
    )


def test_round_trip(pruned, tmp_path):
    save_pruned(tmp_path / "a" / "b", pruned)
    loaded = load_pruned(tmp_path / "a" / "b")
    assert loaded.info == pruned.info
    assert loaded.figures == pruned.figures
    assert list(loaded.patterns) == ["stage2.conv1"]
    one, two = loaded.patterns["stage2.conv1"], pruned.patterns["stage2.conv1"]
    assert (one.n, one.m, one.block) == (two.n, two.m, two.block)
    assert one.block_mask.dtype == np.bool_
    assert np.array_equal(one.block_mask, two.block_mask)
    state = pruned.model.state_dict()
    assert all(torch.equal(value, state[name]) for name, value in loaded.model.state_dict().items())


def test_checkpoint_is_a_model_without_patterns(pruned, tmp_path):
    save_checkpoint(tmp_path / "model.safetensors", pruned.model, INFO)
    loaded = load_pruned(tmp_path / "model.safetensors")
    assert loaded.info == INFO
    assert loaded.patterns == {}


def test_replaces_a_pruned_model_but_nothing_else(pruned, tmp_path):
    save_pruned(tmp_path / "out", pruned)
    save_pruned(tmp_path / "out", replace(pruned, figures={"sparsity": 0.5}))
    assert load_pruned(tmp_path / "out").figures == {"sparsity": 0.5}
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter1.tex").touch()
    with pytest.raises(OccupiedDirectoryError, match="thesis exists and is no pruned model"):
        save_pruned(tmp_path / "thesis", pruned)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "thesis"]


def test_masks_and_summary_lie_beside_the_model(pruned, tmp_path):
    save_pruned(tmp_path / "out", pruned, summary="# Pruned")
    assert (tmp_path / "out" / SUMMARY_FILE).read_text() == "# Pruned"
    masks = load_file(tmp_path / "out" / MASK_FILE)
    assert masks.keys() == pruned.patterns.keys()
    assert torch.equal(masks["stage2.conv1"], pruned.model.get_parameter("stage2.conv1.weight") != 0)


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("stage2.conv1", {"n": 1}, "stage2.conv1: output channel 0, .* expected at most 1"),
        (
            "stage2.conv1",
            {"block_mask": np.ones((2, 2), bool)},
            "stage2.conv1: block_mask must be bool",
        ),
        ("stage9.conv1", {}, "stage9.conv1: no such layer; expected one of "),
    ],
)
def test_patterns_that_do_not_fit_the_weights(pruned, tmp_path, name: str, change: dict, message: str):
    wrong = replace(pruned, patterns={"stage2.conv1": replace(pruned.patterns["stage2.conv1"], **change)})
    save_pruned(tmp_path / "out", wrong)
    if name != "stage2.conv1":
        masks, shapes = read_tensors(tmp_path / "out" / PATTERN_FILE)
        write_tensors(
            tmp_path / "out" / PATTERN_FILE, {name: masks["stage2.conv1"]}, {name: shapes["stage2.conv1"]}
        )
    with pytest.raises(CheckpointError, match=f"{PATTERN_FILE} does not fit {MODEL_FILE}: {message}"):
        load_pruned(tmp_path / "out")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda mask: {"stage2.conv1": ~mask},
            r"layer 'stage2.conv1' is torch.bool\[64, 32, 3, 3\]; expected",
        ),
        (lambda mask: {"stage2.conv1": mask[:3]}, r"is torch.bool\[3, 32, 3, 3\]; expected bool\[64, 32"),
        (lambda mask: {}, "no mask for layer 'stage2.conv1'; expected one for each pruned layer"),
        (lambda mask: {"stage2.conv1": mask, "fc": mask.clone()}, "mask for 'fc', which is no pruned layer"),
    ],
)
def test_masks_that_do_not_fit_the_weights(pruned, tmp_path, change, message: str):
    save_pruned(tmp_path / "out", pruned)
    mask = load_file(tmp_path / "out" / MASK_FILE)["stage2.conv1"]
    write_tensors(tmp_path / "out" / MASK_FILE, change(mask), {})
    with pytest.raises(CheckpointError, match=message):
        load_pruned(tmp_path / "out")


@pytest.mark.parametrize("name", [PRUNING_FILE, MODEL_FILE, PATTERN_FILE, MASK_FILE])
def test_absent_file(pruned, tmp_path, name):
    save_pruned(tmp_path / "out", pruned)
    (tmp_path / "out" / name).unlink()
    with pytest.raises(CheckpointError, match=r"not a pruned model|cannot be read \(No such file"):
        load_pruned(tmp_path / "out")


@pytest.mark.parametrize("name", [PRUNING_FILE, MODEL_FILE, PATTERN_FILE, MASK_FILE])
def test_truncated_file(pruned, tmp_path, name):
    save_pruned(tmp_path / "out", pruned)
    path: Path = tmp_path / "out" / name
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(CheckpointError, match=name):
        load_pruned(tmp_path / "out")


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ({"n": "a"}, "`n` of layer 'stage2.conv1' must be an integer, not 'a'"),
        ({"n": 1.5}, "`n` of layer 'stage2.conv1' must be an integer, not 1.5"),
        ({"m": None}, "`m` of layer 'stage2.conv1' must be an integer, not None"),
        ({"block": True}, "`block` of layer 'stage2.conv1' must be an integer, not True"),
        ({"edge": 16}, "layer 'stage2.conv1' has {.*'edge': 16.*}; expected its n, m and block"),
        (None, "layer 'stage2.conv1' has None; expected its n, m and block"),
    ],
)
def test_pattern_of_other_types_is_explained(pruned, tmp_path, shape: dict | None, message: str):
    save_pruned(tmp_path / "out", pruned)
    blocks, shapes = read_tensors(tmp_path / "out" / PATTERN_FILE)
    changed = None if shape is None else {**shapes["stage2.conv1"], **shape}
    write_tensors(tmp_path / "out" / PATTERN_FILE, blocks, {"stage2.conv1": changed})
    with pytest.raises(CheckpointError, match=rf"patterns\.safetensors: {message}"):
        load_pruned(tmp_path / "out")


def test_blocks_of_another_type_are_explained(pruned, tmp_path):
    save_pruned(tmp_path / "out", pruned)
    blocks, shapes = read_tensors(tmp_path / "out" / PATTERN_FILE)
    for changed, found in (
        (blocks["stage2.conv1"].float(), r"torch.float32\[4, 18\]"),
        (blocks["stage2.conv1"].flatten(), r"torch.bool\[72\]"),
    ):
        write_tensors(tmp_path / "out" / PATTERN_FILE, {"stage2.conv1": changed}, shapes)
        with pytest.raises(
            CheckpointError, match=rf"'stage2.conv1' must be bool\[rows, columns\], not {found}"
        ):
            load_pruned(tmp_path / "out")


@pytest.mark.parametrize("content", ["[1]", "null", '"figures"'])
def test_figures_that_are_no_object_are_refused(pruned, tmp_path, content: str):
    save_pruned(tmp_path / "out", pruned)
    (tmp_path / "out" / PRUNING_FILE).write_text(content)
    with pytest.raises(CheckpointError, match=r"prune\.json: expected figures by name, not "):
        load_pruned(tmp_path / "out")

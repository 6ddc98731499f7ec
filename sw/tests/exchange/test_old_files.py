"""Files that were written before the packages got their present names mean what they meant, or are refused.

``old_files.tar.xz`` holds one of each kind, as commit 162b051 wrote it. A change of a format either goes on
reading them or refuses them in one sentence that names both versions; the tests say which. Results and
settings have tests of their own, where they are read.
"""

import tarfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from crisp_golden.arithmetic.inference import run_network
from crisp_golden.machine.program_image import ImageError, read_image
from crisp_golden.stimuli.random_networks import random_network
from crisp_sw.data import DatasetSplits, ImageSet, load_dataset
from crisp_sw.data.files.unpacked import load_unpacked
from crisp_sw.exchange.checkpoint import load_checkpoint
from crisp_sw.exchange.checkpoint_info import CheckpointInfo
from crisp_sw.exchange.packed import is_network, load_metadata, load_network
from crisp_sw.exchange.packed.save import packed_bytes
from crisp_sw.exchange.pruned_model import load_pruned
from crisp_sw.prune import ClassSamples, CrispPruning, prune_for_classes
from crisp_sw.train.training import TrainingSettings, train

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
    history=({"epoch": 1, "loss": 0.5, "accuracy": 0.5},),
)


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> Path:
    """The folder of the old files; they are read, and never written."""
    folder = tmp_path_factory.mktemp("old")
    with tarfile.open(Path(__file__).with_name("old_files.tar.xz")) as archive:
        archive.extraction_filter = getattr(tarfile, "data_filter", None)  # from Python 3.11.4 on
        archive.extractall(folder)
    return folder


@pytest.fixture(scope="module")
def digits() -> DatasetSplits:
    """320 images to train with, of 8x8 pixels."""
    whole = load_dataset("digits", image_size=8)
    return replace(whole, train=ImageSet(whole.train.images[:320], whole.train.labels[:320]))


def network() -> nn.Sequential:
    """What the saved runs train and prune."""
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1, bias=False),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(256, 10),
    )


def assert_same_weights(first: nn.Module, second: nn.Module) -> None:
    expected = second.state_dict()
    assert list(first.state_dict()) == list(expected)
    assert all(torch.equal(value, expected[name]) for name, value in first.state_dict().items())


def test_a_checkpoint(files):
    model, info = load_checkpoint(files / "model.safetensors")
    assert info == INFO
    for index, parameter in enumerate(model.parameters()):
        assert torch.all(parameter == (index + 1) / 64)


def test_a_pruned_model(files):
    pruned = load_pruned(files / "pruned")
    assert pruned.info == INFO
    assert pruned.figures == {"sparsity": 0.9, "classes": ["cat", "dog"]}
    ((name, pattern),) = pruned.patterns.items()
    assert (name, pattern.n, pattern.m, pattern.block) == ("stage2.conv1", 2, 4, 16)
    kept = pruned.model.get_parameter("stage2.conv1.weight") != 0
    assert float(kept.float().mean()) == pytest.approx(pattern.block_mask.mean() / 2)


def test_a_packed_network(files):
    assert is_network(files / "network")
    assert load_metadata(files / "network") == {"mean": [0.5]}
    loaded, expected = load_network(files / "network"), random_network(3, largest=6)
    assert [node.name for node in loaded.nodes] == [node.name for node in expected.nodes]
    assert packed_bytes(loaded) == packed_bytes(expected)
    images = np.random.default_rng(0).integers(-128, 128, (2, *expected.input_shape), dtype=np.int8)
    found, wanted = run_network(loaded, images), run_network(expected, images)
    assert list(found) == list(wanted)
    for name, tensor in found.items():
        np.testing.assert_array_equal(tensor, wanted[name])


def test_a_program_image_is_of_another_version_as_segments_had_another_name(files):
    with pytest.raises(ImageError) as refused:
        read_image(files / "program.crisp")
    assert str(refused.value) == f"{files / 'program.crisp'}: program image has version 1, expected 2"


def test_an_unpacked_data_set_in_the_cache(files, digits, tmp_path):
    source = tmp_path / "source"
    source.write_bytes(b"")
    made = load_unpacked([source], tmp_path, lambda: digits)
    (cached,) = (tmp_path / "unpacked").glob("*.safetensors")
    cached.write_bytes((files / "unpacked.safetensors").read_bytes())
    found = load_unpacked([source], tmp_path, lambda: pytest.fail("unpacked again"))
    assert (found.name, found.classes) == ("few", made.classes)
    assert torch.equal(found.train.images, digits.train.images[:20])
    assert torch.equal(found.test.labels, digits.test.labels[:20])


def test_a_training_that_was_interrupted(files, digits, tmp_path):
    settings = TrainingSettings(epochs=2, batch=32, crop_padding=0, flip=False, learning_rate=0.05)
    undisturbed, continued = network(), network()
    expected = train(undisturbed, digits, settings)
    state = tmp_path / "training.state"
    state.write_bytes((files / "training.state").read_bytes())
    steps = []
    result = train(continued, digits, settings, steps.append, state_file=state, resume=True)
    assert [progress.step for progress in steps] == list(range(4, 21))
    assert (result.history, result.accuracy) == (expected.history, expected.accuracy)
    assert_same_weights(continued, undisturbed)


def test_a_pruning_that_was_interrupted(files, digits, tmp_path):
    settings = CrispPruning.of(
        n=2,
        block=8,
        sparsity=0.6,
        iterations=2,
        epochs_per_iteration=1,
        final_epochs=1,
        batch_size=16,
        min_kept_share=0.0,
    )
    images, labels = digits.train.images[:60], digits.train.labels[:60]
    samples = ClassSamples(images=images, labels=labels, mean=(0.25,), std=(0.25,))
    whole, rest = [], []
    undisturbed = prune_for_classes(network(), samples, settings, on_progress=whole.append)
    (tmp_path / "run.safetensors").write_bytes((files / "pruning" / "run.safetensors").read_bytes())
    continued = prune_for_classes(
        network(), samples, settings, state_dir=tmp_path, resume=True, on_progress=rest.append
    )
    assert 0 < len(rest) < len(whole)
    assert_same_weights(continued.model, undisturbed.model)

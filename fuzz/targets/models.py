"""Loaders of float models: checkpoints, state dicts, masks, patterns and runs that were interrupted."""

import io
from collections.abc import Callable
from dataclasses import asdict
from functools import cache, partial
from pathlib import Path

import torch
from hypothesis.strategies import SearchStrategy
from torch import nn

from crisp_sw.exchange.checkpoint import CheckpointInfo, load_checkpoint, load_weights, save_checkpoint
from crisp_sw.exchange.model_files import MASK_FILE, PATTERN_FILE, PRUNING_FILE
from crisp_sw.exchange.pruned_model import PrunedModel, load_pruned, save_pruned
from crisp_sw.exchange.state_dict import read_state_dict, save_state_dict
from crisp_sw.models import build_model
from crisp_sw.prune.masks.mask_file import load_masks, save_masks
from crisp_sw.prune.masks.masked_layer import MaskedLayer
from crisp_sw.prune.run.run_state import RunFile, RunState
from crisp_sw.prune.sparsifier.sparsifier import CrispSparsifier
from crisp_sw.synthetic import LayerSparsity
from crisp_sw.synthetic.masks import hybrid_mask
from crisp_sw.train.state import EpochReport, TrainingState, load_state, save_state
from fuzz.edits import edited
from fuzz.formats.archives import TORCH_ZIP
from fuzz.formats.containers import SAFETENSORS
from fuzz.formats.texts import JSON
from fuzz.target import Target, file_with

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
    class_ids=("0", "1"),
)
PRUNED_LAYER = "stage2.conv1"
IDENTITY = {"kind": "crisp", "data": "d", "seed": 0}


@cache
def _resnet() -> nn.Module:
    torch.manual_seed(0)
    return build_model(INFO.model, in_channels=INFO.in_channels, num_classes=INFO.num_classes).eval()


def _small_net() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4, 2))


def _written(write: Callable[[Path], object], name: str = "a.safetensors") -> bytes:
    """What ``write`` puts into a file."""
    with file_with(b"", name) as path:
        write(path)
        return path.read_bytes()


def _checkpoints() -> SearchStrategy[bytes]:
    return edited(SAFETENSORS, [_written(lambda path: save_checkpoint(path, _resnet(), INFO, compact=True))])


def _read_checkpoint(data: bytes) -> None:
    with file_with(data, "model.safetensors") as path:
        load_checkpoint(path)


def _state_dicts() -> SearchStrategy[bytes]:
    return edited(SAFETENSORS, [_written(lambda path: save_state_dict(_small_net(), path))])


def _read_state_dict(data: bytes, name: str = "a.safetensors") -> None:
    with file_with(data, name) as path:
        load_weights(_small_net(), read_state_dict(path), source=path)


def _pickles() -> SearchStrategy[bytes]:
    plain = _small_net().state_dict()
    masked = {f"module.{name}": value for name, value in plain.items()}
    nested = {"epoch": 3, "state_dict": masked}
    return edited(TORCH_ZIP, [_pickled(plain), _pickled(nested)])


def _pickled(content: object) -> bytes:
    buffer = io.BytesIO()
    torch.save(content, buffer)
    return buffer.getvalue()


def _read_pickle(data: bytes) -> None:
    _read_state_dict(data, "a.pth")


@cache
def _masked_layers() -> dict[str, MaskedLayer]:
    torch.manual_seed(0)
    sparsifier = CrispSparsifier(sparsity=0.8, block=8, saliency="random", iterations=1, min_kept_share=0.0)
    sparsifier.prepare(nn.Sequential(nn.Linear(32, 16), nn.Linear(16, 32)))
    sparsifier.step()
    return dict(sparsifier.layers)


def _mask_files() -> SearchStrategy[bytes]:
    return edited(SAFETENSORS, [_written(lambda path: save_masks(path, _masked_layers()))])


def _read_masks(data: bytes) -> None:
    with file_with(data, "masks.safetensors") as path:
        load_masks(path, _masked_layers())


@cache
def _pruned_files() -> dict[str, bytes]:
    """The files of a pruned model by name."""
    model = build_model(INFO.model, in_channels=INFO.in_channels, num_classes=INFO.num_classes)
    weight = model.get_parameter(f"{PRUNED_LAYER}.weight")
    mask, pattern = hybrid_mask(weight, LayerSparsity(n=2, kept_share=0.5))
    with torch.no_grad():
        weight.mul_(mask)
    pruned = PrunedModel(
        model=model,
        info=INFO,
        patterns={PRUNED_LAYER: pattern},
        figures={"sparsity": 0.9, "settings": {"n": 2}},
    )
    with file_with(b"", "nothing") as path:
        save_pruned(path.parent / "pruned", pruned)
        return {file.name: file.read_bytes() for file in (path.parent / "pruned").iterdir()}


def _pruned_file(name: str) -> SearchStrategy[bytes]:
    return edited(JSON if name == PRUNING_FILE else SAFETENSORS, [_pruned_files()[name]])


def _read_pruned(data: bytes, name: str) -> None:
    """A pruned model of which one file is ``data``."""
    with file_with(data, name) as path:
        for other in _pruned_files().keys() - {name}:
            (path.parent / other).write_bytes(_pruned_files()[other])
        load_pruned(path.parent)


def _optimizer(model: nn.Module) -> torch.optim.SGD:
    """One that has made a step, so that it has momentum."""
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    model.eval()(torch.ones(1, 1, 3, 3)).sum().backward()
    optimizer.step()
    return optimizer


def _training_states() -> SearchStrategy[bytes]:
    model, state = (
        _small_net(),
        TrainingState(step=3, history=(EpochReport(epoch=1, loss=0.5, accuracy=0.5),)),
    )
    optimizer = _optimizer(model)
    return edited(SAFETENSORS, [_written(lambda path: save_state(path, state, model, optimizer, IDENTITY))])


def _read_training_state(data: bytes) -> None:
    model = _small_net()
    with file_with(data, "state.safetensors") as path:
        state = load_state(path, model, _optimizer(model), IDENTITY)
        asdict(state)


def _prune_runs() -> SearchStrategy[bytes]:
    model = _small_net()
    state = RunState(iteration=1, epoch=2, last={"loss": 0.5}, history=[{"sparsity": 0.5}])
    optimizer = _optimizer(model)
    return edited(SAFETENSORS, [_written(lambda path: RunFile(path, IDENTITY).save(state, model, optimizer))])


def _read_prune_run(data: bytes) -> None:
    model = _small_net()
    with file_with(data, "run.safetensors") as path:
        run = RunFile(path, IDENTITY)
        run.weights()
        asdict(run.load(model, _optimizer(model)))


TARGETS = (
    Target(name="checkpoint", load=_read_checkpoint, inputs=_checkpoints, examples=150),
    Target(name="state-dict", load=_read_state_dict, inputs=_state_dicts, examples=300),
    Target(name="pickle", load=_read_pickle, inputs=_pickles, examples=300),
    Target(name="masks", load=_read_masks, inputs=_mask_files, examples=300),
    *(
        Target(
            name=f"pruned-{name.partition('.')[0]}",
            load=partial(_read_pruned, name=name),
            inputs=partial(_pruned_file, name),
            examples=100,
        )
        for name in (PATTERN_FILE, MASK_FILE, PRUNING_FILE)
    ),
    Target(name="training-state", load=_read_training_state, inputs=_training_states, examples=200),
    Target(name="prune-run", load=_read_prune_run, inputs=_prune_runs, examples=200),
)

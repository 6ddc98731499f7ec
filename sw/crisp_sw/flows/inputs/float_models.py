"""Where a step's float model comes from: a checkpoint, a pruned model, or a state dict of somebody else."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, Self, get_args

from torch import nn

from crisp_spec.errors import CrispError
from crisp_sw.choices import Unreadable
from crisp_sw.data import DatasetSplits, Normalization, load_dataset
from crisp_sw.data.registry import is_dataset_name
from crisp_sw.errors import DatasetError
from crisp_sw.exchange.checkpoint import CheckpointInfo, load_weights
from crisp_sw.exchange.pruned_model import PrunedModel, load_pruned
from crisp_sw.exchange.state_dict import read_state_dict
from crisp_sw.models import build_model
from crisp_sw.models.image_check import require_images

Normalize = Literal["imagenet", "data"]
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # as torchvision's weights want


class SourceError(CrispError):
    """Nothing says which model to take, or two things say it."""


@dataclass(frozen=True, kw_only=True)
class ForeignWeights:
    """A state dict together with what it does not say itself.

    Attributes
    ----------
    weights : safetensors, or torch's own format.
    model : a name that `crisp_sw.models.build_model` knows.
    image_size : edge that the data set's images are scaled to; None for their own size.
    normalize : of `normalization`; None for "imagenet" if the images have its channels, else "data".
    """

    weights: Path
    model: str
    image_size: int | None = None
    normalize: Normalize | None = None

    def __post_init__(self):
        if self.normalize is not None:
            require_normalize(self.normalize)

    def as_used(self, channels: int) -> Self:
        """These weights with the normalization that images of so many channels get."""
        usual = "imagenet" if channels == len(IMAGENET_MEAN) else "data"
        return replace(self, normalize=self.normalize or usual)


def require_normalize(normalize: str) -> None:
    """Raise SourceError, listing the ways to normalize, unless ``normalize`` is one."""
    if normalize not in get_args(Normalize):
        raise SourceError(f"`normalize` must be one of {', '.join(get_args(Normalize))}, not {normalize!r}")


def normalization(splits: DatasetSplits, normalize: str) -> Normalization:
    """Mean and deviation of the images for a model that does not say them.

    Parameters
    ----------
    normalize : "imagenet", those that torchvision's weights expect, or "data", those of the training images.

    Raises
    ------
    SourceError : it is neither, or "imagenet" for images of other than three channels.
    """
    require_normalize(normalize)
    if normalize == "data":
        return Normalization(splits.mean, splits.std)
    if splits.channels != len(IMAGENET_MEAN):
        raise SourceError(
            f"`normalize` imagenet is for images of {len(IMAGENET_MEAN)} channels; expected data, as "
            f"{splits.name} has {splits.channels}"
        )
    return Normalization(IMAGENET_MEAN, IMAGENET_STD)


def load_float_model(
    path: str | Path | None,
    data: str | None = None,
    foreign: ForeignWeights | None = None,
    unreadable: Unreadable = "refuse",
) -> tuple[PrunedModel, DatasetSplits]:
    """Load a model, and the data set that it is for.

    Parameters
    ----------
    path : a checkpoint, the name of a shipped one, or the directory of a pruned model.
    data : name or path of the data set; by default the one that the checkpoint was trained on.
    foreign : a state dict to take instead of ``path``; its data set must be given.
    unreadable : of `crisp_sw.data.load_dataset`.

    Raises
    ------
    CrispError : something is not there, damaged, or does not fit the rest.
    """
    if foreign is None:
        if path is None:
            raise SourceError("no model; expected a checkpoint or a pruned model, or a state dict as weights")
        pruned = load_pruned(path)
        splits = load_data(pruned.info, data, unreadable)
        return replace(pruned, info=replace(pruned.info, data_source=splits.source)), splits
    if data is None:
        raise SourceError(f"{foreign.weights}: a state dict does not name its data set; expected `data`")
    splits = load_dataset(data, image_size=foreign.image_size, unreadable=unreadable)
    model, info = checkpoint_of(foreign, splits)
    return PrunedModel(model=model, info=info), splits


def checkpoint_of(foreign: ForeignWeights, splits: DatasetSplits) -> tuple[nn.Module, CheckpointInfo]:
    """The model with the weights of a state dict, in evaluation mode; its accuracy is not known and 0.

    Raises
    ------
    ModelError : there is no such model, or it cannot take images of this size.
    CheckpointError : the file is damaged, or of another architecture; names the first differing parameters.
    """
    tensors = read_state_dict(foreign.weights)
    model = build_model(foreign.model, in_channels=splits.channels, num_classes=len(splits.classes))
    load_weights(model, tensors, source=foreign.weights)
    require_images(model, foreign.model, channels=splits.channels, size=splits.image_size)
    used = normalization(splits, str(foreign.as_used(splits.channels).normalize))
    return model, CheckpointInfo(
        model=foreign.model,
        in_channels=splits.channels,
        num_classes=len(splits.classes),
        classes=splits.classes,
        image_size=splits.image_size,
        mean=used.mean,
        std=used.std,
        dataset=splits.name,
        accuracy=0.0,
        class_ids=splits.ids,
        data_source=splits.source,
    )


def load_data(
    info: CheckpointInfo, data: str | None = None, unreadable: Unreadable = "refuse"
) -> DatasetSplits:
    """Load the data set of a checkpoint, or another with images of the same kind.

    Raises
    ------
    DatasetError : the images have another number of channels, or the checkpoint's data set is not here.
    """
    name = data or recorded_data(info.dataset, info.data_source)
    splits = load_dataset(name, image_size=info.image_size[0], unreadable=unreadable)
    if splits.channels != info.in_channels:
        raise DatasetError(
            f"{splits.name} has images of {splits.channels} channels; "
            f"expected {info.in_channels} as in the checkpoint"
        )
    return splits


def recorded_data(dataset: Any, source: Any) -> str:
    """The name or path of the data set that a model has noted down, if that says where it is.

    Parameters
    ----------
    dataset, source : ``name`` and ``source`` of `crisp_sw.data.DatasetSplits`, from files.

    Raises
    ------
    DatasetError : neither does: it is a folder's name, and the folder is not where it was.
    """
    for recorded in (source, dataset):
        if recorded and isinstance(recorded, str) and (is_dataset_name(recorded) or Path(recorded).exists()):
            return recorded
    place = f", in {source}" if source else ""
    raise DatasetError(
        f"the model was made for the data set {dataset!r}{place}, which is no known name and no path from "
        "here; expected its path as --data"
    )


def listing(names: Sequence[str]) -> str:
    """The first five names, and how many more there are."""
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")

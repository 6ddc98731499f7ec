"""The classes that the outputs of a network stand for: their names, their images, the network cut to them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self, cast

import torch
from torch import Tensor, nn

from crisp_sw.data import DatasetSplits, ImageSet, resolve_classes, select_classes
from crisp_sw.errors import DatasetError
from crisp_sw.prune import SamplesError, restrict_classifier
from crisp_sw.prune.layers.layer_roles import output_layer

OTHER = "other"


@dataclass(frozen=True, kw_only=True, eq=False)
class UserClasses:
    """Classes of a data set in the order of a network's outputs.

    A network with one output has nothing to tell apart. A single class therefore has a second output beside
    it, "other", which stands for all other classes.

    Attributes
    ----------
    indices : into the data set's classes.
    """

    splits: DatasetSplits
    indices: tuple[int, ...]

    @classmethod
    def of_outputs(cls, splits: DatasetSplits, names: Sequence[str], ids: Sequence[str] = ()) -> Self:
        """The classes of a network by the ids that were kept with it, or by the names of its outputs.

        Raises
        ------
        ClassSelectionError : the data set does not have one of the classes.
        """
        if not ids and tuple(names) == splits.classes:
            return cls(splits=splits, indices=tuple(range(len(names))))
        if ids and set(ids) <= set(splits.ids):
            return cls(splits=splits, indices=tuple(splits.ids.index(identifier) for identifier in ids))
        names = names[: len(ids) or len(names)]
        return cls(splits=splits, indices=resolve_classes(splits, names, by_index=False))

    @property
    def names(self) -> tuple[str, ...]:
        """Display names of the outputs."""
        names = tuple(self.splits.classes[index] for index in self.indices)
        return names if len(names) > 1 else (*names, OTHER)

    @property
    def ids(self) -> tuple[str, ...]:
        """The data set's identifiers of the classes, which are unique where names are not."""
        return tuple(self.splits.ids[index] for index in self.indices)

    @property
    def test_images(self) -> ImageSet:
        """Test images, labelled by output.

        Raises
        ------
        DatasetError : there is none.
        """
        images = select_classes(self.splits.test, self.indices)
        if not len(images):
            raise DatasetError(f"{self.splits.name} has no test image of {', '.join(self.names)}")
        return images

    @property
    def other_images(self) -> Tensor:
        """Training images of all classes but these, uint8[N, C, H, W]: a transfer set for distillation.

        Raises
        ------
        SamplesError : there is none.
        """
        train = self.splits.train
        images = train.images[~torch.isin(train.labels, torch.tensor(self.indices))]
        if not len(images):
            raise SamplesError(
                f"{self.splits.name} has no training image beside the classes {', '.join(self.names)}; "
                "expected some of other classes, or `unlabelled_batch` 0"
            )
        return images

    def restrict(self, model: nn.Module) -> nn.Module:
        """A copy of a network for all classes, cut to these; "other" is the mean of all other outputs."""
        if len(self.indices) > 1:
            return restrict_classifier(model, self.indices)
        wanted = self.indices[0]
        others = [index for index in range(len(self.splits.classes)) if index != wanted]
        restricted = restrict_classifier(model, (wanted, others[0]))
        before, after = _classifier(model), _classifier(restricted)
        with torch.no_grad():
            after.weight[1] = before.weight[others].mean(0)
            if after.bias is not None and before.bias is not None:
                after.bias[1] = before.bias[others].mean()
        return restricted


def _classifier(model: nn.Module) -> nn.Linear | nn.Conv2d:
    """The layer that `restrict_classifier` cuts."""
    return cast(nn.Linear | nn.Conv2d, model.get_submodule(output_layer(model, otherwise="a plain network")))

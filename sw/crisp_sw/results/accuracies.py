"""Top-1 accuracies of one network's forms, on the test images of its classes."""

from dataclasses import dataclass, fields

from crisp_files.json_values import known
from crisp_spec.errors import CrispError

Share = float
"""The type by another name: a field is called as the type is."""


class AccuracyError(CrispError):
    """An accuracy is none."""


@dataclass(frozen=True, kw_only=True)
class Accuracies:
    """Shares of the test images that are recognised, from 0 to 1; those that were measured.

    Attributes
    ----------
    all_classes : of the trained network, on all classes of the data set.
    dense : of the trained network on the user's classes, best of their outputs.
    dense_all_outputs : the same, all outputs of the network competing.
    dense_fine_tuned : of the dense network that was fine-tuned for the user's classes.
    pruned : of the pruned network.
    pruned_chosen : of it on some of its classes, best of their outputs.
    pruned_all_outputs : the same, all its outputs competing.
    float : of the network that was quantized.
    int8 : of the integer network, by golden.
    int8_chosen : of it on some of its classes, best of their outputs.
    int8_all_outputs : the same, all its outputs competing.
    """

    all_classes: Share | None = known()
    dense: Share | None = known()
    dense_all_outputs: Share | None = known()
    dense_fine_tuned: Share | None = known()
    pruned: Share | None = known()
    pruned_chosen: Share | None = known()
    pruned_all_outputs: Share | None = known()
    float: Share | None = known()
    int8: Share | None = known()
    int8_chosen: Share | None = known()
    int8_all_outputs: Share | None = known()

    def __post_init__(self):
        for name, value in self.measured().items():
            if not 0 <= value <= 1:
                raise AccuracyError(f"`{name}` must be from 0 to 1, not {value!r}")

    def measured(self) -> dict[str, Share]:
        """Those that were, by name."""
        values = {item.name: getattr(self, item.name) for item in fields(self)}
        return {name: value for name, value in values.items() if value is not None}

    @property
    def reference(self) -> Share | None:
        """What a pruned network is compared with: dense with the same training, or else as trained."""
        return self.dense if self.dense_fine_tuned is None else self.dense_fine_tuned

"""What a demo run found: its ``report.json``."""

from dataclasses import dataclass
from typing import Any

from crisp_files.documents import Document
from crisp_files.json_values import figure, known
from crisp_sw.results.accuracies import Accuracies
from crisp_sw.results.layers import RtlLayer, RtlTotals


@dataclass(frozen=True, kw_only=True)
class ImageScores:
    """What the integer network says of an image that went through the RTL.

    Attributes
    ----------
    label, prediction : names of classes.
    scores : int8 outputs by name of the class, in the network's order.
    """

    label: str
    prediction: str
    scores: dict[str, int]


@dataclass(frozen=True, kw_only=True)
class DemoReport(Document, schema="crisp-demo", version=1):
    """A network that was pruned for a user's classes and ran, layer by layer, on the RTL.

    Attributes
    ----------
    dataset, model : names.
    classes : of the user, in the order of the network's outputs.
    seed : of everything that is random.
    preset : of the core.
    clock_mhz : at which cycles are stated as times, too.
    accuracy : on the test images of the classes.
    test_images : how many.
    sparsity : share of the prunable weights that is gone.
    model_sparsity : share of the weights of all layers that is gone.
    layers : on the RTL.
    images : that went through it.
    steps : seconds of each step, for people.
    prune_settings : of the pruner.
    samples_per_class : training images of each class.
    versions : of packages that the result depends on.
    command : that made it.
    """

    dataset: str
    classes: tuple[str, ...]
    model: str
    seed: int
    preset: str
    clock_mhz: float
    accuracy: Accuracies
    test_images: int | None = known()
    sparsity: float
    model_sparsity: float
    layers: tuple[RtlLayer, ...]
    images: tuple[ImageScores, ...]
    steps: dict[str, str]
    prune_settings: dict[str, Any]
    samples_per_class: int
    versions: dict[str, str]
    command: str

    @figure
    def totals(self) -> RtlTotals:
        """Sums over the layers."""
        return RtlTotals.of(self.layers)

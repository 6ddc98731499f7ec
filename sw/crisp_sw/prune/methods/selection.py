"""How a method chooses the weights that stay: one interface for CRISP and for its baselines."""

from collections.abc import Mapping
from typing import Protocol

from torch import Tensor

from crisp_sw.prune.masks.masked_layer import MaskedLayer
from crisp_sw.prune.methods.hybrid import HybridSelection
from crisp_sw.prune.methods.reference_compat import ReferenceSelection
from crisp_sw.prune.methods.unstructured import UnstructuredSelection
from crisp_sw.prune.settings.settings import PruneSettings


class Selection(Protocol):
    """Chooses masks; all state that it needs between steps is in the masks themselves."""

    def require_reachable(self, sparsity: float) -> None:
        """Raise UnreachableSparsityError, naming the nearest, unless any saliency allows ``sparsity``."""
        ...

    @property
    def start_sparsity(self) -> float:
        """Sparsity of the pattern before any weight is pruned for its saliency: that of N:M alone, or 0."""
        ...

    def select(self, saliency: Mapping[str, Tensor], sparsity: float) -> None:
        """Set the masks of all layers by their ``saliency``, in the weight's shape, to reach ``sparsity``."""
        ...


def selection_for(layers: Mapping[str, MaskedLayer], settings: PruneSettings) -> Selection:
    """Return the selection of ``settings.method`` over ``layers``; not for "dense" and "channel"."""
    if settings.method == "unstructured":
        return UnstructuredSelection(layers, settings)
    if settings.method == "reference_compat":
        return ReferenceSelection(layers)
    return HybridSelection(layers, settings)

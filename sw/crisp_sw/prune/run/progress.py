"""What a pruning run tells its caller while it works."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class PruneProgress:
    """Where a run is; sent after every pruning step and every epoch.

    Attributes
    ----------
    stage : "prune" after a pruning step, "fine-tune" after an epoch.
    iteration : pruning steps done, of ``iterations``.
    epoch : epochs done, of ``epochs``.
    sparsity : of the prunable weights now.
    loss, accuracy : on the samples, during the epoch just done; None after a pruning step.
    """

    stage: Literal["prune", "fine-tune"]
    iteration: int
    iterations: int
    epoch: int
    epochs: int
    sparsity: float
    loss: float | None = None
    accuracy: float | None = None


ProgressCallback = Callable[[PruneProgress], None]


def ignore_progress(progress: PruneProgress) -> None:
    """Do nothing."""

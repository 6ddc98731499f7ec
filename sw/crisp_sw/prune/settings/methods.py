"""Every method of pruning that comes with the package, by its settings: only those that it reads.

The order is that in which methods are listed.
"""

from dataclasses import dataclass, field
from typing import ClassVar, Literal

from crisp_sw.prune.errors import PruneError
from crisp_sw.prune.pattern.floors import BlockFloor, Floor
from crisp_sw.prune.settings.masked_pruning import MaskedPruning, Masking, SparsePruning
from crisp_sw.prune.settings.prune_settings import PruneSettings
from crisp_sw.prune.settings.value_checks import require_pattern

NMChoice = Literal["reselect", "monotone", "every-step"]
RankScore = Literal["mean", "sum"]


@dataclass(frozen=True, kw_only=True)
class FinePruning(MaskedPruning):
    """Base of the methods that keep N of every M weights.

    Parameters
    ----------
    n : at most ``n`` weights stay in every ``m`` consecutive weights of the reduction.
    """

    n: int = 1

    def __post_init__(self):
        require_pattern(self.n, self.m, self.block)
        super().__post_init__()

    @property
    def most_of_group(self) -> int:
        """N."""
        return self.n


@dataclass(frozen=True, kw_only=True)
class CrispPruning(FinePruning, method="crisp"):
    """CRISP: rank-columns of blocks, and N:M inside; the defaults are those of the demo.

    Parameters
    ----------
    nm_choice : N:M choices inside kept blocks may move at every pruning step ("reselect"), or never
        ("monotone"), or go by magnitude anew in every forward pass of training ("every-step").
    rank_score : rank-columns of different layers compare by "mean" saliency per weight or by its "sum".
    """

    equal_rows: ClassVar[bool] = True

    nm_choice: NMChoice = "reselect"
    rank_score: RankScore = "mean"
    floor: BlockFloor = field(default_factory=BlockFloor)

    @property
    def chooses_every_step(self) -> bool:
        """As ``nm_choice`` says."""
        return self.nm_choice == "every-step"


@dataclass(frozen=True, kw_only=True)
class DenseFineTuning(PruneSettings, method="dense"):
    """No pruning: a dense network, fine-tuned with the budget of the others."""


@dataclass(frozen=True, kw_only=True)
class NMPruning(FinePruning, method="nm"):
    """N:M only; ``sparsity`` must be at most 1 - N/M.

    Parameters
    ----------
    nm_choice : as of :class:`CrispPruning`.
    """

    keeps_all_blocks: ClassVar[bool] = True
    equal_rows: ClassVar[bool] = True

    nm_choice: NMChoice = "reselect"

    @property
    def chooses_every_step(self) -> bool:
        """As ``nm_choice`` says."""
        return self.nm_choice == "every-step"


@dataclass(frozen=True, kw_only=True)
class BlockPruning(MaskedPruning, method="block"):
    """Rank-columns of blocks only.

    Parameters
    ----------
    rank_score : as of :class:`CrispPruning`.
    """

    equal_rows: ClassVar[bool] = True

    rank_score: RankScore = "mean"
    floor: BlockFloor = field(default_factory=BlockFloor)


@dataclass(frozen=True, kw_only=True)
class UnstructuredPruning(MaskedPruning, method="unstructured"):
    """The least salient weights of all layers, wherever they are.

    Parameters
    ----------
    nm_choice : pruned weights never come back ("monotone"), or may (the others).
    floor : a share of the weights of each layer.
    """

    nm_choice: NMChoice = "reselect"
    floor: Floor = field(default_factory=Floor)


@dataclass(frozen=True, kw_only=True)
class ChannelPruning(SparsePruning, method="channel"):
    """Channels of all layers alike, dependent ones together, by the library Torch-Pruning."""

    keeps_sizes: ClassVar[bool] = False

    def __post_init__(self):
        super().__post_init__()
        for rule in self.layers.rules:
            if rule.overrides:
                raise PruneError(
                    f"the rule for {rule} sets {', '.join(rule.overrides)}, which method 'channel' does not "
                    "read; expected rules that leave layers dense"
                )


@dataclass(frozen=True, kw_only=True)
class ReferencePruning(FinePruning, method="reference_compat"):
    """What the code that CRISP's authors published does: OIHW matrices, hard masks, no floors."""

    blockless_classifier: ClassVar[bool] = True

    masking: Masking = field(default=Masking(matrix_order="oihw", gradient="masked"), init=False)

"""How much of a layer stays in any case, so that no layer is starved for the others."""

import math
from dataclasses import dataclass

from crisp_sw.prune.settings.settings_group import SettingsGroup
from crisp_sw.prune.settings.value_checks import require_integer, require_real

SHARE = 0.75
"""Of what uniform pruning keeps, the most that the default floor keeps."""
RESERVE = 0.1
"""Of what uniform pruning takes, what the default floor leaves to the scores at least."""


@dataclass(frozen=True, kw_only=True)
class Floor(SettingsGroup):
    """What no layer falls below: a share of its weights, or of the blocks of each of its block-rows.

    Parameters
    ----------
    min_kept_share : share of what pruning all layers alike to the target would keep; None for one that falls
        with their number, see :meth:`Floor.share`.
    """

    min_kept_share: float | None = None

    def __post_init__(self):
        super().__post_init__()
        if self.min_kept_share is not None:
            require_real("min_kept_share", self.min_kept_share, 0.0, 1.0)

    def share(self, *, sparsity: float, density: float) -> float:
        """Return the share of a layer's blocks, or weights, that stays.

        Pruning all layers alike to ``sparsity`` would keep ``u = (1 - sparsity) / density`` of each. A floor
        is a share of that. By default it is ``min(0.75 * u, u - 0.1 * (1 - u))``: the second term leaves at
        least a tenth of what goes to the scores, which is what the small layers with many pixels need to stay
        whole. A fixed share would leave less the fewer blocks there are (``docs/accuracy.md`` has what that
        costs).

        Parameters
        ----------
        sparsity : share of the weights that must go.
        density : share of the weights that is left where no block goes, N/M.
        """
        uniform = min(1.0, (1 - sparsity) / density)
        if self.min_kept_share is None:
            return max(0.0, min(SHARE * uniform, uniform - RESERVE * (1 - uniform)))
        return self.min_kept_share * uniform

    def blocks(self, block_columns: int, *, sparsity: float, density: float) -> int:
        """Return how many of its ``block_columns`` blocks every block-row keeps."""
        # Without the small term, 0.29 * 100 blocks would ask for 28 of them.
        return math.floor(self.share(sparsity=sparsity, density=density) * block_columns + 1e-9)


@dataclass(frozen=True, kw_only=True)
class BlockFloor(Floor):
    """What no block-row of a layer falls below: the larger of a share of its blocks and a number of them.

    Parameters
    ----------
    min_kept_blocks : blocks of every block-row.
    """

    min_kept_blocks: int = 1

    def __post_init__(self):
        super().__post_init__()
        require_integer("min_kept_blocks", self.min_kept_blocks, 1)

    def blocks(self, block_columns: int, *, sparsity: float, density: float) -> int:
        """Return how many of its ``block_columns`` blocks every block-row keeps."""
        least = super().blocks(block_columns, sparsity=sparsity, density=density)
        return min(block_columns, max(self.min_kept_blocks, least))


NO_FLOOR = Floor(min_kept_share=0.0)

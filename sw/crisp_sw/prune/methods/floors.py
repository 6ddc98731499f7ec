"""How much of a layer stays in any case, so that no layer is starved for the others."""

import math

SHARE = 0.75
"""Of what uniform pruning keeps, the most that the default floor keeps."""
RESERVE = 0.1
"""Of what uniform pruning takes, what the default floor leaves to the scores at least."""


def floor_share(min_kept_share: float | None, *, sparsity: float, density: float) -> float:
    """Return the share of a layer's blocks, or weights, that its floor keeps.

    Pruning all layers alike to ``sparsity`` would keep ``u = (1 - sparsity) / density`` of each. A floor is a
    share of that. By default it is ``min(0.75 * u, u - 0.1 * (1 - u))``: the second term leaves at least a
    tenth of what goes to the scores, which is what the small layers with many pixels need to stay whole. A
    fixed share would leave less the fewer blocks there are (``docs/accuracy.md`` has what that costs).

    Parameters
    ----------
    min_kept_share : a fixed share of u; None for the default.
    sparsity : share of the weights that must go.
    density : share of the weights that is left where no block goes, N/M.
    """
    uniform = min(1.0, (1 - sparsity) / density)
    if min_kept_share is None:
        return max(0.0, min(SHARE * uniform, uniform - RESERVE * (1 - uniform)))
    return min_kept_share * uniform


def keep_at_least(block_columns: int, *, blocks: int, share: float) -> int:
    """Return the floor of a layer in blocks per block-row: the larger of the two, at most all."""
    # Without the small term, 0.29 * 100 blocks would ask for 28 of them.
    return min(block_columns, max(blocks, math.floor(share * block_columns + 1e-9)))

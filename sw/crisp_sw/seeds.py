"""The range of seeds, which is that of torch's generators."""

from crisp_spec.errors import CrispError

HIGHEST_SEED = 2**64 - 1
SEED_RANGE = f"an integer from 0 to {HIGHEST_SEED}"


def require_seed(seed: int) -> int:
    """Return ``seed``.

    Raises
    ------
    CrispError : it is out of range.
    """
    if not 0 <= seed <= HIGHEST_SEED:
        raise CrispError(f"`seed` must be {SEED_RANGE}, not {seed}")
    return seed

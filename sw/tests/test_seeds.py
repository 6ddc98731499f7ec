"""The range of seeds is that of torch's generators."""

import pytest
import torch

from crisp_spec.errors import CrispError
from crisp_sw.seeds import HIGHEST_SEED, require_seed


@pytest.mark.parametrize("seed", [0, 7, HIGHEST_SEED])
def test_seed_that_torch_takes(seed):
    assert torch.Generator().manual_seed(require_seed(seed)).initial_seed() == seed


@pytest.mark.parametrize("seed", [-1, HIGHEST_SEED + 1])
def test_seed_out_of_range_is_named(seed):
    with pytest.raises(
        CrispError, match=f"`seed` must be an integer from 0 to 18446744073709551615, not {seed}$"
    ):
        require_seed(seed)

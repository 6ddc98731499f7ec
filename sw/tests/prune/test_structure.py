"""The judge of patterns finds what is wrong with a few that are written out."""

import pytest
import torch

from sw.tests.prune.structure import Structure, spans


def test_pieces_end_short():
    assert spans(0, 10, 4) == [(0, 4), (4, 8), (8, 10)]


def test_weights_of_a_group():
    weight = torch.zeros(2, 6, 1, 2)
    weight[1, 4:, 0, 1] = 1.0
    assert Structure(weight, n=2, m=4, block=4).capacity().tolist() == [[4, 4, 4, 4]]
    with pytest.raises(AssertionError, match="2 weights in inputs 4 to 5, not 1"):
        Structure(weight, n=1, m=4, block=4).check()
    # Flattened, the two are inputs 9 and 11, both of the last group.
    with pytest.raises(AssertionError, match="2 weights in inputs 8 to 11, not 1"):
        Structure(weight, n=1, m=4, block=4, order="oihw").check()


def test_blocks_of_a_row():
    weight = torch.zeros(5, 6)
    weight[0, 0] = weight[4, 5] = 1.0
    structure = Structure(weight, n=1, m=2, block=4)
    assert structure.blocks().tolist() == [[True, False], [False, True]]
    structure.check()
    weight[0, 4] = 1.0
    with pytest.raises(AssertionError, match=r"block-rows keep \[2, 1\] blocks"):
        Structure(weight, n=1, m=2, block=4).check()

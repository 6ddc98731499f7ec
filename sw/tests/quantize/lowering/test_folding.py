"""BatchNorm folding equals the two layers it replaces."""

import pytest
import torch
from torch import nn

from crisp_sw.quantize.lowering.folding import fold_batch_norm


def random_norm(norm: nn.BatchNorm1d | nn.BatchNorm2d) -> nn.BatchNorm1d | nn.BatchNorm2d:
    assert norm.running_mean is not None
    assert norm.running_var is not None
    norm.running_mean.uniform_(-1, 1)
    norm.running_var.uniform_(0.1, 3)
    if norm.affine:
        nn.init.uniform_(norm.weight, 0.5, 1.5)
        nn.init.uniform_(norm.bias, -1, 1)
    return norm.eval()


@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("groups", [1, 2, 6])
def test_folded_convolution_computes_the_same(affine, groups):
    torch.manual_seed(groups)
    conv, norm = (
        nn.Conv2d(6, 12, 3, groups=groups).double(),
        random_norm(nn.BatchNorm2d(12, affine=affine).double()),
    )
    x = torch.randn(2, 6, 7, 5, dtype=torch.float64)
    assert conv.bias is not None
    weight, bias = fold_batch_norm(conv.weight, conv.bias, norm)
    torch.testing.assert_close(nn.functional.conv2d(x, weight, bias, groups=groups), norm(conv(x)))


def test_folded_linear_layer_computes_the_same():
    torch.manual_seed(0)
    linear, norm = nn.Linear(6, 4).double(), random_norm(nn.BatchNorm1d(4).double())
    x = torch.randn(3, 6, dtype=torch.float64)
    weight, bias = fold_batch_norm(linear.weight, linear.bias, norm)
    torch.testing.assert_close(nn.functional.linear(x, weight, bias), norm(linear(x)))


def test_zero_weights_stay_zero():
    torch.manual_seed(1)
    weight = torch.randn(8, 4, 3, 3) * (torch.rand(8, 4, 3, 3) < 0.3)
    folded, _ = fold_batch_norm(weight, torch.zeros(8), random_norm(nn.BatchNorm2d(8)))
    assert torch.equal(folded == 0, weight == 0)


def test_norm_without_statistics_is_refused():
    with pytest.raises(ValueError, match="without running statistics"):
        fold_batch_norm(torch.ones(2, 1), torch.zeros(2), nn.BatchNorm1d(2, track_running_stats=False))

"""BatchNorm folding: a convolution followed by BatchNorm in evaluation mode is one convolution."""

import torch
from torch import Tensor, nn

BatchNorm = nn.BatchNorm1d | nn.BatchNorm2d


def fold_batch_norm(
    weight: Tensor, bias: Tensor, norm: nn.BatchNorm1d | nn.BatchNorm2d
) -> tuple[Tensor, Tensor]:
    """Fold the running statistics and the affine part of ``norm`` into the layer before it.

    ``norm(w * x + b) = (gamma / sigma) w * x + (b - mu) gamma / sigma + beta`` with
    ``sigma = sqrt(var + eps)`` (Jacob et al., CVPR 2018, section 3.2). Each output channel is only
    scaled, so zero weights stay zero and a sparsity pattern survives.

    Parameters
    ----------
    weight : float[K, ...], the first axis is the output channel.
    bias : float[K].

    Returns
    -------
    Folded weight and bias, same shapes.
    """
    mean, var = norm.running_mean, norm.running_var
    if mean is None or var is None:
        raise ValueError("BatchNorm without running statistics cannot be folded")
    gain = torch.rsqrt(var + norm.eps)
    offset = -mean * gain
    if norm.weight is not None:
        gain, offset = gain * norm.weight, offset * norm.weight
    if norm.bias is not None:
        offset = offset + norm.bias
    per_channel = gain.reshape(-1, *[1] * (weight.dim() - 1))
    return (weight * per_channel).detach(), (bias * gain + offset).detach()

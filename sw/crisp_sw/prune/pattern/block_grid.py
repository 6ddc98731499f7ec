"""The weight matrix of a layer, and the grid of B x B blocks that lies over it."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional


@dataclass(frozen=True, kw_only=True)
class BlockGrid:
    """Blocks of ``W[K, taps * C]``, tap-major and channel-minor, C and K virtually padded to the block.

    Block-row i holds output channels ``i*B`` to ``i*B + B - 1``; block column ``tap * channel_blocks + c``
    holds input channels ``c*B`` to ``c*B + B - 1`` of one tap, so no block straddles two taps.

    Attributes
    ----------
    out_channels : K over all groups.
    in_channels : C of one group: the input channels that one output channel sees.
    taps : kernel height times kernel width; 1 for linear layers.
    block : B.
    groups : of a grouped convolution. The matrix is then the local one, without the zeros of the
        block-diagonal matrix over all input channels.
    """

    out_channels: int
    in_channels: int
    taps: int
    block: int
    groups: int = 1

    @property
    def block_rows(self) -> int:
        """Block-rows: ceil(K / B)."""
        return -(-self.out_channels // self.block)

    @property
    def channel_blocks(self) -> int:
        """Block columns of one tap: ceil(C / B)."""
        return -(-self.in_channels // self.block)

    @property
    def block_columns(self) -> int:
        """Blocks in a block-row."""
        return self.taps * self.channel_blocks

    @property
    def is_depthwise(self) -> bool:
        """Whether every output channel reads one input channel, and each another one."""
        return self.groups == self.out_channels > 1

    @property
    def weights(self) -> int:
        """Weights of the layer, without padding."""
        return self.out_channels * self.in_channels * self.taps

    def flattened(self) -> "BlockGrid":
        """Return the grid over the weights in OIHW order, ``W[K, C * taps]``: one tap of C * taps inputs.

        Blocks and groups of M then run over the taps of an input channel before the next channel.
        """
        return replace(self, in_channels=self.in_channels * self.taps, taps=1)

    def matrix(self, weight: Tensor, *, fill: float) -> Tensor:
        """Return ``weight`` [K, C, kh, kw] or [K, C] as [K padded, taps, C padded]."""
        tapped = weight.reshape(self.out_channels, self.in_channels, self.taps).transpose(1, 2)
        pad_rows = self.block_rows * self.block - self.out_channels
        pad_channels = self.channel_blocks * self.block - self.in_channels
        return functional.pad(tapped, (0, pad_channels, 0, 0, 0, pad_rows), value=fill)

    def unmatrix(self, matrix: Tensor, shape: torch.Size) -> Tensor:
        """Return the weight of ``shape`` that ``matrix`` [K padded, taps, C padded] stands for."""
        tapped = matrix[: self.out_channels, :, : self.in_channels]
        return tapped.transpose(1, 2).reshape(shape)

    def block_sums(self, weight: Tensor) -> Tensor:
        """Return float64[block_rows, block_columns], the sum of ``weight`` over each block."""
        blocks = self.matrix(weight, fill=0.0).reshape(
            self.block_rows, self.block, self.taps, self.channel_blocks, self.block
        )
        return blocks.sum(dim=(1, 4), dtype=torch.float64).flatten(1)

    def spread(self, block_mask: Tensor, shape: torch.Size) -> Tensor:
        """Return the weight mask of ``shape`` in which each weight has the value of its block."""
        blocks = block_mask.reshape(self.block_rows, 1, self.taps, self.channel_blocks, 1)
        full = blocks.expand(-1, self.block, -1, -1, self.block)
        rows, channels = self.block_rows * self.block, self.channel_blocks * self.block
        return self.unmatrix(full.reshape(rows, self.taps, channels), shape)

    def block_diagonal(self, block_mask: Tensor) -> Tensor:
        """Return the mask over all input channels, bool[block_rows, taps * blocks of all input channels].

        Grouped layers lie on it only where groups end at block borders, in both directions. The block-rows of
        a depthwise layer read B input channels each, their own.
        """
        rows = self.block_rows
        groups, rows_per_group = (rows, 1) if self.is_depthwise else (self.groups, rows // self.groups)
        full = block_mask.new_zeros(rows, self.taps, groups, self.channel_blocks)
        index = torch.arange(rows, device=block_mask.device)
        local = block_mask.reshape(rows, self.taps, self.channel_blocks)
        full[index, :, index // rows_per_group] = local
        return full.flatten(1)

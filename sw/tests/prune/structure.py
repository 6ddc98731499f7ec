"""The hybrid pattern as it is defined, weight by weight. Nothing here comes from the pruner that it judges.

A layer's row of weights is cut into segments: in tap-major order one for each tap, of all its input
channels; in OIHW order a single one. N:M groups and blocks are cut from the segments, both from their start.
"""

import numpy as np
from torch import Tensor, nn

Spans = list[tuple[int, int]]


class Structure:
    """Groups and blocks of one layer's weight.

    Parameters
    ----------
    weight : [K, C of one group, ...]; only what is not zero matters.
    order : "tap-major" or "oihw".
    """

    def __init__(self, weight: Tensor, *, n: int, m: int, block: int, order: str = "tap-major"):
        rows, channels = weight.shape[:2]
        nonzero = (weight.detach() != 0).numpy().reshape(rows, channels, -1)
        if order == "oihw":
            self.segments = [nonzero.reshape(rows, -1)]
        else:
            self.segments = [nonzero[:, :, tap] for tap in range(nonzero.shape[2])]
        self.n, self.m, self.block = n, m, block

    def blocks(self) -> np.ndarray:
        """bool[block-rows, blocks of a block-row]: which have any weight."""
        return np.array(
            [
                [bool(segment[top:bottom, left:right].any()) for segment, left, right in self._columns()]
                for top, bottom in self._rows()
            ]
        )

    def capacity(self) -> np.ndarray:
        """int[block-rows, blocks of a block-row]: how many weights N:M leaves in each."""
        return np.array(
            [
                [
                    (bottom - top)
                    * sum(min(self.n, end - start) for start, end in spans(left, right, self.m))
                    for _, left, right in self._columns()
                ]
                for top, bottom in self._rows()
            ]
        )

    def check(self) -> None:
        """Assert that no group has more than N weights and that all block-rows keep equally many blocks."""
        for segment in self.segments:
            for start, end in spans(0, segment.shape[1], self.m):
                fullest = int(segment[:, start:end].sum(1).max())
                assert fullest <= self.n, f"{fullest} weights in inputs {start} to {end - 1}, not {self.n}"
        per_row = self.blocks().sum(1).tolist()
        assert len(set(per_row)) == 1, f"block-rows keep {per_row} blocks"

    def _rows(self) -> Spans:
        return spans(0, len(self.segments[0]), self.block)

    def _columns(self) -> list[tuple[np.ndarray, int, int]]:
        return [
            (segment, left, right)
            for segment in self.segments
            for left, right in spans(0, segment.shape[1], self.block)
        ]


def spans(start: int, end: int, length: int) -> Spans:
    """Pieces of ``length`` from ``start``; the last one ends at ``end``."""
    return [(at, min(at + length, end)) for at in range(start, end, length)]


def structures(model: nn.Module, names, settings) -> dict[str, Structure]:
    """The structure of the weights of these layers, by the settings of a run."""
    return {
        name: Structure(
            model.get_parameter(f"{name}.weight"),
            n=settings.most_of_group,
            m=settings.m,
            block=settings.block,
            order=settings.masking.matrix_order,
        )
        for name in names
    }

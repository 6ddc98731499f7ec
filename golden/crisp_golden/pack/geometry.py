"""How the outputs of a layer walk over its input: the pixel grid, and what each tap reads.

For stride 2 the input lies in four *phases*, (py, px) of them holding the pixels (2 * y + py, 2 * x + px).
Each tap then reads, for output pixel (oy, ox), pixel (oy + dy, ox + dx) of one phase, so consecutive output
pixels read consecutive words and a tap is nothing but an offset. With stride 1 the image is its own only
phase. Where input and output widths differ, the grid of output pixels has the input's pitch, and gaps that
are dropped.
"""

from dataclasses import dataclass
from functools import cached_property

from crisp_spec.errors import LayerError


@dataclass(frozen=True)
class Tap:
    """One kernel position: its phase, its offset there, and the output rows and columns for which it exists.

    ``y_range`` counts from the band's first row.
    """

    phase: int
    dy: int
    dx: int
    y_range: tuple[int, int]
    x_range: tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class Kernel:
    """A layer's kernel and its steps over an image: what convolution and pooling have in common.

    Raises
    ------
    LayerError : the stride is not 1 or 2.
    """

    size: tuple[int, int]
    stride: int
    padding: tuple[int, int]

    def __post_init__(self):
        if self.stride not in (1, 2):
            raise LayerError(f"stride {self.stride} is not supported by the core, expected 1 or 2")

    def out_size(self, height: int, width: int) -> tuple[int, int]:
        """Rows and columns of the output."""
        (kh, kw), (ph, pw) = self.size, self.padding
        return (height + 2 * ph - kh) // self.stride + 1, (width + 2 * pw - kw) // self.stride + 1

    def offset(self, position: int, axis: int) -> tuple[int, int]:
        """(offset in the phase, phase) of a kernel position along axis 0 or 1."""
        return divmod(position - self.padding[axis], self.stride)

    def grid_width(self, width: int) -> int:
        """Least pitch of a ring that holds an image of this width."""
        return max(-(-width // self.stride), self.out_size(self.size[0], width)[1])

    def input_rows(self, first: int, last: int, height: int) -> tuple[int, int]:
        """Image rows (half-open) that the output rows ``first`` to ``last - 1`` read."""
        low = first * self.stride - self.padding[0]
        high = (last - 1) * self.stride - self.padding[0] + self.size[0]
        low = min(max(low, 0), height)
        return low, max(low, min(high, height))


@dataclass(frozen=True, kw_only=True)
class Band:
    """The output rows ``first_row <= oy < last_row`` of a layer on an image of ``height`` x ``width``.

    ``pitch`` is the grid's: that of the input's rings.
    """

    kernel: Kernel
    height: int
    width: int
    first_row: int
    last_row: int
    pitch: int

    @property
    def rows(self) -> int:
        """Output rows in this band."""
        return self.last_row - self.first_row

    @cached_property
    def out_width(self) -> int:
        """Output pixels per row."""
        return self.kernel.out_size(self.height, self.width)[1]

    @property
    def grid_pixels(self) -> int:
        """Pixels that the array walks over: output pixels, and the gaps where the pitch is wider."""
        return (self.rows - 1) * self.pitch + self.out_width

    def input_rows(self) -> tuple[int, int]:
        """Image rows (half-open) that the band reads."""
        return self.kernel.input_rows(self.first_row, self.last_row, self.height)

    def taps(self) -> list[Tap]:
        """The kernel's taps in row-major order."""
        kh, kw = self.kernel.size
        return [self._tap(y, x) for y in range(kh) for x in range(kw)]

    def _tap(self, y: int, x: int) -> Tap:
        (dy, py), (dx, px) = self.kernel.offset(y, 0), self.kernel.offset(x, 1)
        stride, row = self.kernel.stride, self.first_row + dy
        height, width = -(-(self.height - py) // stride), -(-(self.width - px) // stride)
        return Tap(
            2 * py + px,
            dy,
            dx,
            _clip(-row, height - row, self.rows),
            _clip(-dx, width - dx, self.out_width),
        )


def _clip(low: int, high: int, size: int) -> tuple[int, int]:
    """The half-open range cut to 0..size; an empty one is (0, 0)."""
    low, high = max(0, low), min(size, high)
    return (low, high) if low < high else (0, 0)

"""Rearrangement of a network's input image, so that a first layer with few channels fills its words.

The layer is a convolution with kernel k, stride s and padding p. The host pads the image and gives every
output position a vector of the pixels that belong to it. Along each axis these are either the s pixels of
one step (space-to-depth; the layer then has ceil(k / s) taps along the axis) or all k pixels that the
kernel covers (patches; one tap, but overlapping pixels are sent several times). Each pixel's channels may
be padded.
"""

from dataclasses import dataclass, replace

import numpy as np

from crisp_golden.arithmetic.network import QuantizedConv
from crisp_spec.errors import LayerError


@dataclass(frozen=True, kw_only=True)
class InputMapping:
    """How an image becomes the first tensor of a program.

    Parameters
    ----------
    channels, height, width : of the image.
    kernel, stride, padding : of the layer that reads it.
    patches : along y and x, whether vectors hold all pixels under the kernel.
    pixel_channels : channels per pixel, padding included.
    fill : value of padded pixels and channels: the image's zero point.

    Raises
    ------
    LayerError : a value is out of range.
    """

    channels: int
    height: int
    width: int
    kernel: tuple[int, int]
    stride: int
    padding: tuple[int, int]
    patches: tuple[bool, bool]
    pixel_channels: int
    fill: int

    def __post_init__(self):
        limits = (
            *((name, getattr(self, name), 1) for name in ("channels", "height", "width", "stride")),
            ("kernel", min(self.kernel), 1),
            ("padding", min(self.padding), 0),
            ("pixel_channels", self.pixel_channels, self.channels),
        )
        for name, value, least in limits:
            if value < least:
                raise LayerError(f"`{name}` of the input mapping must be at least {least}, not {value}")
        if not -128 <= self.fill <= 127:
            raise LayerError(f"`fill` of the input mapping must be from -128 to 127, not {self.fill}")

    def _axis(self, axis: int) -> tuple[int, int, int]:
        """(pixels in a vector, taps of the rewritten layer, vectors) along an axis."""
        kernel, size = self.kernel[axis], (self.height, self.width)[axis]
        outputs = (size + 2 * self.padding[axis] - kernel) // self.stride + 1
        if self.patches[axis]:
            return kernel, 1, outputs
        taps = -(-kernel // self.stride)
        return self.stride, taps, outputs + taps - 1

    @property
    def shape(self) -> tuple[int, int, int]:
        """(C, H, W) of the rearranged image."""
        (tall, _, rows), (wide, _, columns) = self._axis(0), self._axis(1)
        return tall * wide * self.pixel_channels, rows, columns

    def apply(self, x: np.ndarray) -> np.ndarray:
        """Rearrange an image int8[channels, height, width] into int8[shape]."""
        (tall, _, rows), (wide, _, columns) = self._axis(0), self._axis(1)
        s = self.stride
        size = (s * (rows - 1) + tall, s * (columns - 1) + wide)
        padded = np.full((self.pixel_channels, *size), self.fill, np.int8)
        (top, left), (height, width) = self.padding, size
        part = x[:, : height - top, : width - left]
        padded[: self.channels, top : top + part.shape[1], left : left + part.shape[2]] = part
        vectors = [
            padded[:, y : y + s * rows : s, x : x + s * columns : s] for y in range(tall) for x in range(wide)
        ]
        return np.concatenate([vector[:, :rows, :columns] for vector in vectors])

    def rewrite(self, layer: QuantizedConv) -> QuantizedConv:
        """The layer that computes from the rearranged image what ``layer`` does from the image.

        It claims no pattern: its blocks would be others.
        """
        (tall, taps_y, _), (wide, taps_x, _) = self._axis(0), self._axis(1)
        k = layer.out_channels
        weight = np.zeros((k, tall, wide, self.pixel_channels, taps_y, taps_x), np.int8)
        for y in range(self.kernel[0]):
            for x in range(self.kernel[1]):
                tap_y, dy = (0, y) if self.patches[0] else divmod(y, self.stride)
                tap_x, dx = (0, x) if self.patches[1] else divmod(x, self.stride)
                weight[:, dy, dx, : self.channels, tap_y, tap_x] = layer.weight[:, :, y, x]
        return replace(
            layer,
            weight=weight.reshape(k, -1, taps_y, taps_x),
            stride=1,
            padding=(0, 0),
            pattern=None,
        )

"""A layer as the array sees it, wherever its tensors lie: windows, weights, channels and levels.

Convolution and max pooling become the same thing here. Linear layers and global average pooling are
convolutions already. A max pooling layer visits, for each row tile, the one channel block that holds its
channels, once for every tap.
"""

from dataclasses import dataclass

import numpy as np

from crisp_golden.arithmetic.network import MaxPool, QuantizedConv
from crisp_golden.arithmetic.validation import validate_layer, validate_max_pool
from crisp_golden.format.pattern import check_layer_structure
from crisp_golden.pack.geometry import Kernel
from crisp_golden.pack.windows import WindowedWeights, window_weights
from crisp_spec.config import CoreConfig
from crisp_spec.errors import CapacityError, LayerError
from crisp_spec.memories import INDEX_BITS


@dataclass(frozen=True, kw_only=True)
class Workload:
    """What the array has to do for one layer.

    Attributes
    ----------
    layer : the convolution, or the pooling layer.
    in_channels, out_channels : C and K.
    windowed : kept windows, their weights (None for max pooling) and N.
    dense : the slots of a group are all its channels in order, so that no index is stored.
    uniform : all windows have the same weights, stored once.
    """

    layer: QuantizedConv | MaxPool
    in_channels: int
    out_channels: int
    kernel: Kernel
    windowed: WindowedWeights
    dense: bool
    uniform: bool

    @property
    def name(self) -> str:
        """Name of the layer."""
        return self.layer.name

    @property
    def conv(self) -> QuantizedConv | None:
        """The convolution, unless this is max pooling."""
        return self.layer if isinstance(self.layer, QuantizedConv) else None

    @property
    def n(self) -> int:
        """Slots per group."""
        return self.windowed.n

    @property
    def windows(self) -> np.ndarray:
        """int[row tiles], kept windows of each row tile."""
        return self.windowed.windows_per_tile

    @property
    def residual(self) -> bool:
        """Whether a residual tensor is added."""
        return self.conv is not None and self.conv.residual is not None


def layer_workload(config: CoreConfig, layer: QuantizedConv | MaxPool, channels: int) -> Workload:
    """Cut a layer with ``channels`` input channels into row tiles and windows.

    Raises
    ------
    LayerError : the layer is not legal, or its stride is not 1 or 2.
    PatternError : the weights do not have the pattern that the layer claims.
    CapacityError : the kernel exceeds the tap table, or the windows the block index.
    """
    if isinstance(layer, MaxPool):
        workload = _pool_workload(config, layer, channels)
    else:
        workload = _conv_workload(config, layer)
    taps = workload.kernel.size[0] * workload.kernel.size[1]
    if taps > config.tap_words:
        raise CapacityError(f"{layer.name}: {taps} kernel taps exceed the tap table's {config.tap_words}")
    windows = workload.windowed.kept.shape[1]
    if windows > 1 << INDEX_BITS:
        raise CapacityError(f"{layer.name}: {windows} windows exceed the {INDEX_BITS}-bit block index")
    return workload


def _kernel(layer: QuantizedConv | MaxPool, kernel: tuple[int, int], padding: tuple[int, int]) -> Kernel:
    try:
        return Kernel(size=kernel, stride=layer.stride, padding=padding)
    except LayerError as error:
        raise LayerError(f"{layer.name}: {error}") from error


def _conv_workload(config: CoreConfig, layer: QuantizedConv) -> Workload:
    validate_layer(layer)
    check_layer_structure(layer)
    windowed = window_weights(config, layer)
    return Workload(
        layer=layer,
        in_channels=layer.in_channels,
        out_channels=layer.out_channels,
        kernel=_kernel(layer, layer.kernel, layer.padding),
        windowed=windowed,
        dense=windowed.n == config.m,
        uniform=_is_uniform(layer, windowed),
    )


def _is_uniform(layer: QuantizedConv, windowed: WindowedWeights) -> bool:
    """Whether all kept windows have equal weights; only depthwise layers, such as average pooling, may."""
    if layer.groups != layer.in_channels or np.any(layer.weight != layer.weight.flat[0]):
        return False
    assert windowed.weights is not None
    weights = windowed.weights.transpose(0, 2, 1, 3, 4)[windowed.kept]
    return bool((weights == weights[0]).all())


def _pool_workload(config: CoreConfig, layer: MaxPool, channels: int) -> Workload:
    validate_max_pool(layer)
    taps, blocks = layer.kernel**2, -(-channels // config.word_channels)
    tiles = -(-channels // config.rows)
    block_of_tile = np.arange(tiles) // (config.word_channels // config.rows)
    kept = np.tile(block_of_tile[:, None] == np.arange(blocks), (1, taps))
    return Workload(
        layer=layer,
        in_channels=channels,
        out_channels=channels,
        kernel=_kernel(layer, (layer.kernel, layer.kernel), (layer.padding, layer.padding)),
        windowed=WindowedWeights(kept=kept, weights=None, n=1),
        dense=False,
        uniform=True,
    )

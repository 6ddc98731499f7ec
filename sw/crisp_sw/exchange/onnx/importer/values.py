"""What the importer knows about the tensors of an ONNX graph while it walks through its nodes."""

from dataclasses import dataclass, field

import numpy as np

from crisp_golden.arithmetic.network import QuantizedConv, ResidualInput
from crisp_golden.arithmetic.pooling import global_average_pool_layer
from crisp_sw.exchange.onnx.errors import OnnxModelError
from crisp_sw.exchange.onnx.importer.channels import fit_channels
from crisp_sw.quantize.affine import Affine

Shape = tuple[int, int, int]

BATCH = int(np.iinfo(np.int64).min)
"""The number of images, where it stands in a shape and the file leaves it open; no legal size is like it."""


@dataclass(frozen=True)
class Code(Affine):
    """The code of a tensor, as int8, and the type of the integers that the file has for it."""

    dtype: np.dtype = field(default=np.dtype(np.int8), compare=False)


@dataclass(frozen=True)
class Activation:
    """An int8 tensor of the integer network, or its dequantized values.

    Attributes
    ----------
    tensor : its name in the integer network.
    shape : (C, H, W), also if it is flattened.
    real : True for the dequantized values.
    sole : nothing else in the graph reads the tensor.
    padding : rows and columns of zeros that a Pad node has put round the image.
    """

    tensor: str
    shape: Shape
    code: Code
    real: bool = False
    flat: bool = False
    sole: bool = False
    padding: tuple[int, int] = (0, 0)


@dataclass(frozen=True)
class Image:
    """The float input of the graph, before it is quantized."""

    shape: Shape


@dataclass(frozen=True)
class Constant:
    """An array that no input changes."""

    value: np.ndarray


@dataclass(frozen=True)
class Dequantized:
    """A constant given as ``(levels - zero_point) * scale``, the zero point already taken off.

    Attributes
    ----------
    levels : int32 or int64, any shape.
    scale : float64, one or one per entry of ``axis``.
    """

    levels: np.ndarray
    scale: np.ndarray
    axis: int

    @property
    def value(self) -> np.ndarray:
        """The real values, float64."""
        shape = [1] * self.levels.ndim
        if self.scale.size > 1:
            shape[self.axis] = -1
        return self.levels * self.scale.reshape(shape)


@dataclass
class OpenConv:
    """A convolution whose output is not quantized yet, so that additions and clamps can still join it.

    Attributes
    ----------
    weight : int8[K, C / groups, kh, kw], symmetric, in steps of ``scale`` float64[K].
    bias : float64[K] in steps of the accumulator, ``x.code.scale * scale[k]``; not rounded yet.
    low, high : real values between which the output is clamped.
    """

    name: str
    x: Activation
    weight: np.ndarray
    scale: np.ndarray
    shape: Shape
    bias: np.ndarray
    stride: int = 1
    padding: tuple[int, int] = (0, 0)
    groups: int = 1
    flat: bool = False
    residual: Activation | None = None
    low: float = -np.inf
    high: float = np.inf

    @property
    def clamped(self) -> bool:
        """Whether an activation has joined it: nothing can be added any more."""
        return self.low > -np.inf or self.high < np.inf

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the tensors it reads."""
        return (self.x.tensor,) if self.residual is None else (self.x.tensor, self.residual.tensor)

    def add_bias(self, bias: Constant | Dequantized) -> None:
        """Add real values, one or one per output channel."""
        step = self.x.code.scale * self.scale
        exact = isinstance(bias, Dequantized) and np.allclose(bias.scale, step, rtol=1e-5, atol=0)
        values = np.asarray(bias.value, np.float64).reshape(-1)
        if values.size not in (1, len(self.scale)):
            raise OnnxModelError(f"{self.name}: {values.size} biases; expected {len(self.scale)}")
        levels = bias.levels.reshape(-1) if exact and isinstance(bias, Dequantized) else values / step
        if not np.isfinite(levels).all():
            raise OnnxModelError(f"{self.name}: a bias is not finite in steps of the accumulator")
        self.bias = self.bias + levels

    def close(self, y: Affine) -> QuantizedConv:
        """The integer layer with an output of code ``y``."""
        residual = self.residual
        weight, bias, output = fit_channels(
            self.name,
            self.weight,
            self.bias,
            self.x.code.scale * self.scale / y.scale,
            x_zero_point=self.x.code.zero_point,
            residual_scale=None if residual is None else residual.code.scale / y.scale,
        )
        added = None
        if residual is not None:
            assert output.residual_multiplier is not None
            assert output.residual_shift is not None
            added = ResidualInput(
                zero_point=residual.code.zero_point,
                multiplier=output.residual_multiplier,
                shift=output.residual_shift,
            )
        return QuantizedConv(
            name=self.name,
            weight=weight,
            bias=bias,
            multiplier=output.multiplier,
            shift=output.shift,
            stride=self.stride,
            padding=self.padding,
            groups=self.groups,
            x_zero_point=self.x.code.zero_point,
            y_zero_point=y.zero_point,
            q_min=_clamp_code(self.low, y, -128),
            q_max=_clamp_code(self.high, y, 127),
            residual=added,
        )


@dataclass
class OpenAverage:
    """Global average pooling whose output is not quantized yet."""

    name: str
    x: Activation
    flat: bool = False

    @property
    def shape(self) -> Shape:
        """(C, 1, 1)."""
        return self.x.shape[0], 1, 1

    @property
    def inputs(self) -> tuple[str, ...]:
        """Name of the tensor it reads."""
        return (self.x.tensor,)

    def close(self, y: Affine) -> QuantizedConv:
        """The integer layer with an output of code ``y``."""
        return global_average_pool_layer(
            self.name,
            *self.x.shape,
            x_scale=self.x.code.scale,
            x_zero_point=self.x.code.zero_point,
            y_scale=y.scale,
            y_zero_point=y.zero_point,
        )


OpenLayer = OpenConv | OpenAverage
Value = Activation | Image | Constant | Dequantized | OpenConv | OpenAverage


def _clamp_code(real: float, y: Affine, unbounded: int) -> int:
    if not np.isfinite(real):
        return unbounded
    return int(np.clip(np.rint(real / y.scale) + y.zero_point, -128, 127))

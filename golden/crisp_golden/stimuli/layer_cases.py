"""Layers with their inputs: random ones of every kernel, stride, padding, grouping and pattern, and pools."""

from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from crisp_golden.arithmetic.convolution import accumulate, run_conv
from crisp_golden.arithmetic.network import MaxPool, Pattern, QuantizedConv, ResidualInput
from crisp_golden.arithmetic.pooling import run_max_pool
from crisp_golden.pack.jobs import Job, pack_layer
from crisp_spec.config import CoreConfig
from crisp_spec.errors import CapacityError

KERNELS = (1, 3, 5, 7)
KINDS = ("full", "grouped", "depthwise")


@dataclass(frozen=True, kw_only=True)
class LayerCase:
    """A layer with its inputs: x int8[C, H, W], residual int8[K, Hout, Wout] if the layer adds one."""

    layer: QuantizedConv
    x: np.ndarray
    residual: np.ndarray | None = None

    def expected(self) -> np.ndarray:
        """The golden output int8[K, Hout, Wout]."""
        residual = None if self.residual is None else self.residual[None]
        return run_conv(self.layer, self.x[None], residual)[0]


@dataclass(frozen=True, kw_only=True)
class PoolCase:
    """A max pooling layer with its input int8[C, H, W]."""

    layer: MaxPool
    x: np.ndarray
    residual: None = None

    def expected(self) -> np.ndarray:
        """The golden output int8[C, Hout, Wout]."""
        return run_max_pool(self.layer, self.x[None])[0]


Case = LayerCase | PoolCase


def case_jobs(config: CoreConfig, case: Case) -> list[Job]:
    """The jobs of a case's layer."""
    return pack_layer(config, case.layer, *case.x.shape[1:], channels=len(case.x))


def numbered_case(config: CoreConfig, *, seed: int, number: int, size: int) -> LayerCase:
    """Return random layer ``number`` of the sequence that ``seed`` begins."""
    return random_case(np.random.default_rng((seed, number)), config, number=number, size=size)


def random_case(rng: np.random.Generator, config: CoreConfig, *, number: int, size: int = 12) -> LayerCase:
    """Return a random layer that fits ``config``.

    Parameters
    ----------
    number : of the case. Kernels, kinds of grouping and N go round with it: ``12 * M`` cases in a row hold
        each combination. Everything else is random.
    size : largest height and width of the input, not counting the kernel.
    """
    while True:
        case = _any_case(rng, config, number, size)
        with suppress(CapacityError):
            case_jobs(config, case)
            return case


def _any_case(rng: np.random.Generator, config: CoreConfig, number: int, size: int) -> LayerCase:
    """A layer that may be too large for the memories."""
    kernel = KERNELS[number % 4]
    kind = KINDS[number // 4 % 3]
    n = number // 12 % config.m + 1
    kh, kw = kernel, int(rng.choice([1, kernel])) if rng.random() < 0.2 else kernel
    groups, local, k = _channels(rng, config, kind)
    stride = int(rng.integers(1, 3))
    padding = (int(rng.integers(0, kh // 2 + 1)), int(rng.integers(0, kw // 2 + 1)))
    height = int(rng.integers(max(1, kh - 2 * padding[0]), size + kh))
    width = int(rng.integers(max(1, kw - 2 * padding[1]), size + kw))
    weight, pattern = _weights(rng, config, (k, local, kh, kw), groups, n)
    layer = QuantizedConv(
        name=f"case_{number}",
        weight=weight,
        bias=rng.integers(-(1 << 12), 1 << 12, k).astype(np.int32),
        multiplier=rng.integers(1 << 15, 1 << 16, k).astype(np.uint16),
        shift=np.full(k, 16, np.uint8),
        stride=stride,
        padding=padding,
        groups=groups,
        x_zero_point=int(rng.integers(-128, 128)),
        y_zero_point=int(rng.integers(-128, 128)),
        pattern=pattern,
    )
    x = rng.integers(-128, 128, (local * groups, height, width)).astype(np.int8)
    return _with_output_stage(rng, layer, x)


def random_pool(rng: np.random.Generator, config: CoreConfig, *, size: int = 12) -> PoolCase:
    """Return a random max pooling layer of up to three words of channels."""
    kernel, stride = int(rng.integers(1, 4)), int(rng.integers(1, 3))
    padding = int(rng.integers(0, kernel // 2 + 1))
    low = max(1, kernel - 2 * padding)
    height, width = rng.integers(low, size + kernel, 2).tolist()
    channels = int(rng.integers(1, 3 * config.word_channels))
    return PoolCase(
        layer=MaxPool(name="pool", kernel=kernel, stride=stride, padding=padding),
        x=rng.integers(-128, 128, (channels, height, width)).astype(np.int8),
    )


def _channels(rng: np.random.Generator, config: CoreConfig, kind: str) -> tuple[int, int, int]:
    """(groups, input channels per group, output channels)."""
    if kind == "full":
        return 1, int(rng.integers(1, 3 * config.word_channels)), int(rng.integers(1, 4 * config.rows))
    groups = (
        int(rng.integers(2, 2 * config.word_channels)) if kind == "depthwise" else int(rng.integers(2, 5))
    )
    local = 1 if kind == "depthwise" else int(rng.integers(2, config.word_channels))
    multiplier = int(rng.integers(1, 3)) if kind == "depthwise" else int(rng.integers(1, config.rows))
    return groups, local, groups * multiplier


def _weights(
    rng: np.random.Generator, config: CoreConfig, shape: tuple[int, ...], groups: int, n: int
) -> tuple[np.ndarray, Pattern | None]:
    """Weights with at most ``n`` of M non-zeros; ungrouped ones also with a random block pattern."""
    k, local, kh, kw = shape
    padded = -(-local // config.m) * config.m
    score = rng.random((k, kh, kw, padded // config.m, config.m))
    kept = (score.argsort(axis=-1).argsort(axis=-1) < n).reshape(k, kh, kw, padded)[..., :local]
    weight = rng.integers(-128, 128, (k, kh, kw, local)) * kept
    pattern = None
    if groups == 1:
        block = config.m * int(rng.integers(1, 9))
        mask = _block_mask(rng, -(-k // block), kh * kw * -(-local // block))
        pattern = Pattern(n=n, m=config.m, block=block, block_mask=mask)
        inside = mask.repeat(block, axis=0)[:k].reshape(k, kh, kw, -1).repeat(block, axis=-1)
        weight = weight * inside[..., :local]
    return weight.transpose(0, 3, 1, 2).astype(np.int8), pattern


def _block_mask(rng: np.random.Generator, rows: int, columns: int) -> np.ndarray:
    """Equally many kept blocks in every row, from one to all."""
    kept = int(rng.integers(1, columns + 1))
    order = rng.random((rows, columns)).argsort(axis=1)
    return order.argsort(axis=1) < kept


def _with_output_stage(rng: np.random.Generator, layer: QuantizedConv, x: np.ndarray) -> LayerCase:
    """Scale the layer so that its outputs fill the int8 range; half the layers add a residual."""
    fields = vars(layer)
    spread = float(np.abs(accumulate(layer, x[None]).astype(np.int64)).max()) + 1
    shift = np.clip(np.log2(spread / rng.uniform(60, 400)) + 16, 1, 40).astype(np.uint8)
    fields |= {"shift": np.full(layer.out_channels, shift, np.uint8)}
    if rng.random() < 0.5:
        low, high = sorted(rng.integers(-128, 128, 2).tolist())
        fields |= {"q_min": low, "q_max": high}
    residual = None
    if rng.random() < 0.5:
        k = layer.out_channels
        fields["residual"] = ResidualInput(
            zero_point=int(rng.integers(-128, 128)),
            multiplier=rng.integers(0, 1 << 16, k).astype(np.uint16),
            shift=np.full(k, min(15, max(0, int(shift) - 16)), np.uint8),
        )
        residual = rng.integers(-128, 128, (k, *layer.out_size(*x.shape[1:]))).astype(np.int8)
    return LayerCase(layer=QuantizedConv(**fields), x=x, residual=residual)

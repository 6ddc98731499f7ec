"""Shape of the compute core: the one parameter object that hardware, packing and cycle model share."""

from dataclasses import asdict, dataclass

from crisp_spec.errors import ConfigError

VALUE_BITS = 8
ACCUMULATOR_BITS = 32

MAX_ROWS = 32
"""Beyond it a row's channel parameters would be replaced before its last accumulators are drained."""

MAX_DRAIN_COLS = 16
"""More would leave the first pixels before each of them has found its coordinates."""

MAX_LANES = 16
"""Deeper adder trees than these need are not verified."""


@dataclass(frozen=True, kw_only=True)
class CoreConfig:
    """Parameters of one compute core.

    The array multiplies ``rows`` output channels x ``cols`` output pixels x ``lanes`` M-groups of the
    reduction per cycle. A *word* of SMEM holds ``word_channels`` of them, ``lanes * m``
    consecutive channels of one pixel.

    Parameters
    ----------
    rows : output channels computed in parallel; power of two, at most ``word_channels`` and 32.
    cols : output pixels computed in parallel, and number of SMEM banks; power of two.
    lanes : M-groups reduced in parallel; power of two, at most 16.
    m : group size M of the N:M pattern: 2, 4 or 8. N is a run-time value from 1 to M. The value 1 gives a
        plain dense array, the baseline against which the cost of sparsity is measured.
    tile_depth : column groups whose accumulators live in the array; power of two from 2 to 64.
    load_rows : rows whose weights one weight-memory word holds; at most ``rows / 2``.
    smem_words : words of the activation memory, all banks together; power of two.
    weight_words : words of the weight memory; power of two.
    index_words : kept windows that the block-index memory holds; power of two.
    channel_words : output channels whose quantization parameters fit; power of two.
    tap_words : kernel taps (kh * kw) that the tap table holds; power of two.
    drain_cols : output pixels that leave the array per cycle; power of two, at most ``cols`` and 16. Every
        row has as many output stages.
    bus_bits : width of the data bus: 64, 128 or 256, and at most ``word_bits``. A core without the
        accelerator around it may have 32.

    Raises
    ------
    ConfigError : a value is out of range; the message names it and what was expected.
    """

    rows: int
    cols: int
    lanes: int
    m: int = 4
    tile_depth: int = 16
    load_rows: int = 1
    smem_words: int
    weight_words: int
    index_words: int = 1024
    channel_words: int = 1024
    tap_words: int = 128
    drain_cols: int = 1
    bus_bits: int = 64

    def __post_init__(self):
        for name, value in asdict(self).items():
            if type(value) is not int or value < 1 or value & (value - 1):
                raise ConfigError(f"`{name}` must be a positive power of 2, not {value!r}")
        self._require("m", 1, 8)
        self._require("cols", 2, 64)
        self._require("lanes", 1, MAX_LANES)
        self._require("rows", 2, min(self.word_channels, MAX_ROWS))
        self._require("tile_depth", 2, 64)
        self._require("load_rows", 1, self.rows // 2)
        self._require("smem_words", 4 * self.cols, 1 << 20)
        self._require("weight_words", 16, 1 << 20)
        self._require("index_words", 16, 1 << 15)
        self._require("channel_words", 2 * self.rows, 1 << 14)
        self._require("tap_words", 8, 1 << 12)
        self._require("drain_cols", 1, min(self.cols, MAX_DRAIN_COLS))
        self._require("bus_bits", 32, min(256, self.word_bits))

    def _require(self, name: str, low: int, high: int) -> None:
        value = getattr(self, name)
        if not low <= value <= high:
            raise ConfigError(f"`{name}` must be from {low} to {high}, not {value}")

    @property
    def macs(self) -> int:
        """Multipliers in the array."""
        return self.rows * self.cols * self.lanes

    @property
    def word_channels(self) -> int:
        """Channels in one SMEM word."""
        return self.lanes * self.m

    @property
    def word_bits(self) -> int:
        """Bits in one SMEM word."""
        return self.word_channels * VALUE_BITS

    @property
    def group_bits(self) -> int:
        """Bits of the index of a value inside its M-group."""
        return (self.m - 1).bit_length()

    @property
    def slot_bits(self) -> int:
        """Bits of one weight slot: group index above value."""
        return VALUE_BITS + self.group_bits

    @property
    def load_beats(self) -> int:
        """Weight-memory words per window and per N."""
        return self.rows // self.load_rows

    @property
    def bank_depth(self) -> int:
        """Words in one SMEM bank."""
        return self.smem_words // self.cols

    @property
    def smem_bytes(self) -> int:
        """Capacity of the activation memory in bytes."""
        return self.smem_words * self.word_channels


PRESETS: dict[str, CoreConfig] = {
    "tiny": CoreConfig(
        rows=2, cols=2, lanes=2, smem_words=2048, weight_words=4096, index_words=1024, channel_words=256
    ),
    "small": CoreConfig(rows=4, cols=4, lanes=4, smem_words=4096, weight_words=4096),
    "ulx3s": CoreConfig(rows=8, cols=4, lanes=4, smem_words=8192, weight_words=4096),
    "edge": CoreConfig(
        rows=16,
        cols=4,
        lanes=4,
        load_rows=4,
        smem_words=16384,
        weight_words=16384,
        index_words=8192,
        channel_words=4096,
        drain_cols=2,
        bus_bits=128,
    ),
    "large": CoreConfig(
        rows=16,
        cols=8,
        lanes=8,
        load_rows=4,
        smem_words=32768,
        weight_words=8192,
        index_words=8192,
        channel_words=4096,
        drain_cols=2,
        bus_bits=256,
    ),
}


def preset(name: str) -> CoreConfig:
    """Return the named preset.

    Raises
    ------
    ConfigError : there is no preset of that name; the message lists those there are.
    """
    if name not in PRESETS:
        raise ConfigError(f"no preset {name!r}; expected one of {', '.join(PRESETS)}")
    return PRESETS[name]


@dataclass(frozen=True)
class NamedConfig:
    """A core with the name that its files and reports get: a preset, or one of a user's own sizes.

    Raises
    ------
    ConfigError : it has the name of a preset, and other sizes.
    """

    name: str
    config: CoreConfig

    def __post_init__(self):
        if self.config != PRESETS.get(self.name, self.config):
            raise ConfigError(f"a core of other sizes than the preset {self.name!r} must have another name")

    def __str__(self) -> str:
        return self.name

    @property
    def identity(self) -> str | dict[str, int]:
        """What tells this core from every other, as JSON types: the name of a preset, or all sizes."""
        return self.name if self.name in PRESETS else asdict(self.config)


def named_preset(name: str) -> NamedConfig:
    """Return the preset of that name with its name; raises as `preset` does."""
    return NamedConfig(name, preset(name))

"""Everything that determines a network that is built without a data set."""

import math
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from crisp_golden.arithmetic.network import MAX_IMAGE_VALUES
from crisp_sw.seeds import HIGHEST_SEED, SEED_RANGE
from crisp_sw.synthetic.errors import NetworkSettingsError
from crisp_sw.synthetic.sparsity_rules import SparsityRules

DEFAULT_CACHE = Path("build/networks")
"""Where built networks are kept."""


@dataclass(frozen=True, kw_only=True)
class NetworkSettings:
    """Settings of `crisp_sw.synthetic.build_network`.

    Parameters
    ----------
    model : a name that `crisp_sw.models.build_model` knows.
    image_size : height and width of the image in pixels.
    in_channels, num_classes, width : of the model.
    rules : the sparsity of its layers.
    seed : of the weights and of the images.
    images : random images that the statistics of BatchNorm and the int8 ranges are taken from.
    weights : a state dict to take instead of random weights: safetensors, or torch's own format.
    keep_statistics : take the statistics of BatchNorm from ``weights``, too.

    Raises
    ------
    NetworkSettingsError : a value is out of range.
    """

    model: str = "resnet50"
    image_size: int = 224
    in_channels: int = 3
    num_classes: int = 1000
    width: float = 1.0
    rules: SparsityRules = field(default_factory=SparsityRules)
    seed: int = 0
    images: int = 4
    weights: Path | None = None
    keep_statistics: bool = False

    def __post_init__(self):
        for name, low in (("image_size", 1), ("images", 1)):
            value = getattr(self, name)
            if value < low:
                raise NetworkSettingsError(f"`{name}` must be at least {low}, not {value}")
        if math.prod(self.image_shape) > MAX_IMAGE_VALUES:
            raise NetworkSettingsError(
                f"`image_size` {self.image_size} makes images of {math.prod(self.image_shape):,} values; "
                f"expected at most {MAX_IMAGE_VALUES:,}"
            )
        if not 0 <= self.seed <= HIGHEST_SEED:
            raise NetworkSettingsError(f"`seed` must be {SEED_RANGE}, not {self.seed}")
        if self.keep_statistics and self.weights is None:
            raise NetworkSettingsError("`keep_statistics` needs `weights`, which have them")

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(C, H, W)."""
        return self.in_channels, self.image_size, self.image_size

    def to_json(self) -> dict[str, Any]:
        """The settings as JSON types."""
        weights = None if self.weights is None else str(self.weights)
        return {**asdict(self), "rules": self.rules.to_json(), "weights": weights}

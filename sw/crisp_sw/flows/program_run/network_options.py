"""What a command line says about a network, and what holds where it says nothing."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crisp_sw.synthetic.errors import NetworkSettingsError
from crisp_sw.synthetic.rules_file import sparsity_rules
from crisp_sw.synthetic.settings import NetworkSettings
from crisp_sw.synthetic.sparsity_rules import SparsityRules

DEFAULTS: dict[str, Any] = {
    "nm": "1:4",
    "blocks": 0.28,
    "block_size": 16,
    "first_nm": None,
    "layers": None,
    "image_size": 224,
    "width": 1.0,
    "num_classes": 1000,
    "weights": None,
}

SHAPE = ("image_size", "width", "num_classes", "weights")
"""Options that only a model needs that is given by its name."""


@dataclass(frozen=True, kw_only=True)
class NetworkOptions:
    """Options of a network; None stands for not given.

    Attributes
    ----------
    nm, blocks, block_size, first_nm, layers : the pattern, see
        `crisp_sw.synthetic.rules_file.sparsity_rules`.
    image_size, width, num_classes : of a model that is given by its name.
    weights : a state dict for that model, in place of random weights.
    """

    nm: str | None = None
    blocks: float | None = None
    block_size: int | None = None
    first_nm: str | None = None
    layers: Path | None = None
    image_size: int | None = None
    width: float | None = None
    num_classes: int | None = None
    weights: Path | None = None

    @property
    def given(self) -> dict[str, Any]:
        """The options that are given, by name."""
        return {name: value for name, value in vars(self).items() if value is not None}

    def rules(self) -> SparsityRules:
        """The pattern of every layer.

        Raises
        ------
        NetworkSettingsError : a value is out of range.
        """
        chosen = DEFAULTS | self.given
        return sparsity_rules(
            chosen["nm"], chosen["blocks"], chosen["block_size"], chosen["first_nm"], chosen["layers"]
        )

    def model_settings(self, model: str, seed: int) -> NetworkSettings:
        """Settings of a model that is given by its name.

        Raises
        ------
        NetworkSettingsError : a value is out of range.
        """
        chosen = DEFAULTS | self.given
        shape = {name: chosen[name] for name in SHAPE}
        return NetworkSettings(model=model, rules=self.rules(), seed=seed, **shape)

    def refuse(self, reason: str, names: Iterable[str] = tuple(DEFAULTS)) -> None:
        """Check that no option is given that would have no effect.

        Raises
        ------
        NetworkSettingsError : one is; names it.
        """
        for name in names:
            if name in self.given:
                option = f"--{name.replace('_', '-')} {self.given[name]}"
                raise NetworkSettingsError(f"`{option}` has no effect: {reason}")

"""The language of rules: what holds for single layers, chosen by name, type or role.

A rule is a table in TOML or JSON, or a `LayerRule` in Python, with what it speaks of and what it sets::

    rules = [
        { name = "layer1.*", n = 2, m = 4 },
        { type = "Linear", block = 32, kept_share = 0.5 },
        { role = "classifier", dense = true },
    ]

Of several rules that fit a layer, each adds what it sets, and later ones win; the layer is dense if the last
one leaves it dense. Networks that are pruned for classes and those of `crisp_sw.synthetic` take the same
rules, and each says which settings it does not read.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, fields
from fnmatch import fnmatchcase
from typing import Any, Literal, Self, get_args

from crisp_sw.prune.errors import PruneError
from crisp_sw.prune.settings.value_checks import (
    as_tuple,
    is_number,
    require_choice,
    require_flag,
    require_integer,
    require_known,
    require_real,
    require_text,
)

Role = Literal["first", "classifier"]
ROLES: tuple[Role, ...] = get_args(Role)

_SPEAKS_OF = ("name", "type", "role")


@dataclass(frozen=True, kw_only=True)
class LayerRule:
    """What holds for some layers; what is None stays as it is for all others.

    Parameters
    ----------
    name : shell-style pattern of the layer's name, such as "fc" or "layer1.*.conv1".
    type : class name of the layer, such as "Linear".
    role : "first", the layer that runs first, or "classifier", the one that makes the outputs. A rule speaks
        of the layers that fit all that is given of these three.
    dense : leave the layer dense.
    n, m : at most ``n`` weights stay in every ``m``.
    block : edge length of the blocks.
    kept_share : share of the blocks of every block-row that stays, above 0 and at most 1; of networks that
        are pruned in one step.
    min_kept_blocks, min_kept_share : floors, as of :class:`crisp_sw.prune.pattern.floors.BlockFloor`.

    Raises
    ------
    PruneError : nothing says which layers, or a value is of the wrong type or out of range.
    """

    name: str | None = None
    type: str | None = None
    role: Role | None = None
    dense: bool = False
    n: int | None = None
    m: int | None = None
    block: int | None = None
    kept_share: float | None = None
    min_kept_blocks: int | None = None
    min_kept_share: float | None = None

    def __post_init__(self):
        if all(getattr(self, name) is None for name in _SPEAKS_OF):
            raise PruneError(
                "a LayerRule needs a `name` pattern, a `type` or a `role`; expected at least one of them"
            )
        for name in ("name", "type"):
            if getattr(self, name) is not None:
                require_text(name, getattr(self, name))
        if self.role is not None:
            require_choice("role", self.role, ROLES)
        require_flag("dense", self.dense)
        for name in ("n", "m", "block", "min_kept_blocks"):
            if getattr(self, name) is not None:
                require_integer(name, getattr(self, name), 1)
        if self.kept_share is not None and not (is_number(self.kept_share) and 0 < self.kept_share <= 1):
            raise PruneError(f"`kept_share` must be above 0 and at most 1, not {self.kept_share!r}")
        if self.min_kept_share is not None:
            require_real("min_kept_share", self.min_kept_share, 0.0, 1.0)

    @classmethod
    def from_json(cls, values: Any) -> Self:
        """Return the rule that JSON types describe.

        Raises
        ------
        PruneError : they are no mapping, a name is no setting of a rule, or a value is out of range.
        """
        if not isinstance(values, Mapping):
            raise PruneError(f'a rule must be a table such as {{name = "fc", n = 2}}, not {values!r}')
        require_known(values, [item.name for item in fields(cls)], what="setting of a rule")
        return cls(**values)

    def to_json(self) -> dict[str, Any]:
        """Return what the rule says, as JSON types."""
        values = {item.name: getattr(self, item.name) for item in fields(self)}
        return {name: value for name, value in values.items() if value is not None and value is not False}

    @classmethod
    def settings(cls) -> tuple[str, ...]:
        """Return the names of what a rule can set, but for ``dense``."""
        return tuple(item.name for item in fields(cls) if item.name not in (*_SPEAKS_OF, "dense"))

    @property
    def overrides(self) -> dict[str, int | float]:
        """The settings that the rule replaces, by name."""
        return {name: getattr(self, name) for name in self.settings() if getattr(self, name) is not None}

    def matches(self, name: str, type_name: str, roles: Collection[str] = ()) -> bool:
        """Whether the rule speaks of a layer of this name, class and roles."""
        fits_name = self.name is None or fnmatchcase(name, self.name)
        fits_type = self.type is None or type_name == self.type
        return fits_name and fits_type and (self.role is None or self.role in roles)

    def __str__(self) -> str:
        return " and ".join(f"{key} {getattr(self, key)!r}" for key in _SPEAKS_OF if getattr(self, key))


def rules_from_json(values: Any) -> tuple[LayerRule, ...]:
    """Return the rules that a list in TOML or JSON describes.

    Raises
    ------
    PruneError : as of :meth:`LayerRule.from_json`, or it is no list.
    """
    tables = as_tuple("rules", values, of='tables such as {name = "fc", n = 2}')
    return tuple(map(LayerRule.from_json, tables))


def merged_overrides(rules: Iterable[LayerRule]) -> dict[str, int | float]:
    """Return what ``rules``, all of which fit a layer, set together; later ones win."""
    return {name: value for rule in rules for name, value in rule.overrides.items()}

"""Settings of single layers, chosen by name, pattern or type."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Self

from crisp_sw.prune.errors import PruneError
from crisp_sw.prune.settings.value_checks import (
    require_flag,
    require_integer,
    require_known,
    require_real,
    require_text,
)

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True, kw_only=True)
class LayerRule:
    """Overrides of :class:`crisp_sw.prune.PruneSettings` for some layers; what is None stays as set there.

    Parameters
    ----------
    name : shell-style pattern of the layer's name, such as "fc" or "layer1.*.conv1".
    type : class name of the layer, such as "Linear". Where both are given, both must fit.
    dense : leave the layer dense.
    n, m, block, min_kept_blocks, min_kept_share : as in the settings.

    Raises
    ------
    PruneError : neither name nor type is given, or a value is of the wrong type or out of range.
    """

    name: str | None = None
    type: str | None = None
    dense: bool = False
    n: int | None = None
    m: int | None = None
    block: int | None = None
    min_kept_blocks: int | None = None
    min_kept_share: float | None = None

    def __post_init__(self):
        if self.name is None and self.type is None:
            raise PruneError("a LayerRule needs a `name` pattern or a `type`; expected at least one of them")
        for name in ("name", "type"):
            if getattr(self, name) is not None:
                require_text(name, getattr(self, name))
        require_flag("dense", self.dense)
        for name in ("n", "m", "block", "min_kept_blocks"):
            if getattr(self, name) is not None:
                require_integer(name, getattr(self, name), 1)
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

    def matches(self, name: str, module: "nn.Module") -> bool:
        """Whether the rule speaks of the module of this name."""
        fits_name = self.name is None or fnmatchcase(name, self.name)
        return fits_name and (self.type is None or type(module).__name__ == self.type)

    @property
    def overrides(self) -> dict[str, int | float]:
        """The settings that the rule replaces, by name."""
        names = [item.name for item in fields(self) if item.name not in ("name", "type", "dense")]
        return {name: getattr(self, name) for name in names if getattr(self, name) is not None}

    def __str__(self) -> str:
        parts = [f"{key} {value!r}" for key, value in (("name", self.name), ("type", self.type)) if value]
        return " and ".join(parts)


def check_rules(
    rules: Sequence[LayerRule],
    model: "nn.Module",
    *,
    prunable: "Mapping[str, nn.Module]",
    dense: "Mapping[str, nn.Module]",
) -> None:
    """Raise PruneError unless every rule matches a layer that it can be meant for.

    Parameters
    ----------
    prunable : the Conv2d and Linear layers of ``model``, by name.
    dense : its other layers with weights, which rules can only leave dense.
    """
    for rule in rules:
        fitting = {**prunable, **dense} if rule.dense else prunable
        if any(rule.matches(name, module) for name, module in fitting.items()):
            continue
        for name, module in model.named_modules():
            if name and rule.matches(name, module):
                raise PruneError(
                    f"the rule for {rule} names {name!r}, a {type(module).__name__}, which cannot be pruned; "
                    "expected a Conv2d or Linear layer"
                )
        raise PruneError(
            f"the rule for {rule} matches no layer; expected one of "
            f"{', '.join(prunable) or '(the model has none)'}"
        )


def check_effects(
    rules: Sequence[LayerRule], model: "nn.Module", *, pruned: Collection[str], dense: Mapping[str, str]
) -> None:
    """Raise PruneError if a rule sets something, but all layers that it matches stay dense.

    A later rule may leave such layers dense: it wins.

    Parameters
    ----------
    pruned : the names of the layers of ``model`` that are pruned.
    dense : the others, and why they stay dense.
    """
    modules = dict(model.named_modules())
    for number, rule in enumerate(rules):
        if rule.dense or not rule.overrides:
            continue
        later = [other for other in rules[number + 1 :] if other.dense]
        matched = [name for name in (*pruned, *dense) if rule.matches(name, modules[name])]
        overruled = [name for name in matched if any(other.matches(name, modules[name]) for other in later)]
        if matched and not overruled and all(name in dense for name in matched):
            raise PruneError(
                f"the rule for {rule} sets {', '.join(rule.overrides)}, but matches only layers that stay "
                f"dense ({matched[0]}: {dense[matched[0]]}); expected one that is pruned: {', '.join(pruned)}"
            )

"""What the settings of all methods have in common, and the methods by their names."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, ClassVar

from crisp_sw.prune.errors import PruneError
from crisp_sw.prune.settings.fine_tuning_settings import FineTuning
from crisp_sw.prune.settings.layer_choice import LayerChoice
from crisp_sw.prune.settings.layer_rules import rules_from_json
from crisp_sw.prune.settings.settings_group import SettingsGroup
from crisp_sw.prune.settings.value_checks import as_tuple, require_choice, require_known

DEFAULT_METHOD = "crisp"
_METHODS: dict[str, type["PruneSettings"]] = {}


@dataclass(frozen=True, kw_only=True)
class PruneSettings(SettingsGroup):
    """Base of the settings of :func:`crisp_sw.prune.prune_for_classes`: one class for each method.

    A method is declared by its class, with only the settings that it reads, and named there::

        @dataclass(frozen=True, kw_only=True)
        class RandomPruning(MaskedPruning, method="random"): ...

    From then on ``method = "random"`` in a file, or as an option, selects it. What handles it is registered
    in :mod:`crisp_sw.prune.methods.registry`. ``docs/pruning.md`` gives the formula and the source of every
    choice.

    Parameters
    ----------
    training : fine-tuning, the same for all methods.
    layers : which layers are pruned.

    Attributes
    ----------
    method : its name.
    keeps_sizes : whether layers keep their sizes, so that a checkpoint can name the network by its model.

    Raises
    ------
    PruneError : a value is out of range; the message names it and what was expected. Or a rule sets something
        that no method reads, or the class is that of no method.
    """

    method: ClassVar[str] = ""
    keeps_sizes: ClassVar[bool] = True

    training: FineTuning = field(default_factory=FineTuning)
    layers: LayerChoice = field(default_factory=LayerChoice)

    def __init_subclass__(cls, *, method: str = "", **kwargs: Any):
        super().__init_subclass__(**kwargs)
        if not method:
            return
        known = _METHODS.get(method)
        if known is not None and (known.__module__, known.__qualname__) != (cls.__module__, cls.__qualname__):
            raise PruneError(f"the method {method!r} is {known.__qualname__} already; expected another name")
        cls.method = method
        _METHODS[method] = cls

    def __post_init__(self):
        super().__post_init__()
        if self.method not in _METHODS:
            classes = ", ".join(kind.__name__ for kind in prune_methods().values())
            raise PruneError(f"{type(self).__name__} are settings of no method; expected one of {classes}")
        known = known_settings()
        for rule in self.layers.rules:
            for name in rule.overrides:
                if name not in known:
                    raise PruneError(
                        f"the rule for {rule} sets {name}, which no method of pruning reads; expected one of "
                        f"{', '.join(setting for setting in rule.settings() if setting in known)}"
                    )

    @classmethod
    def require_names(cls, values: Mapping[str, Any]) -> None:
        """Raise PruneError if a name of ``values`` is no setting, or one that this method does not read."""
        require_known(values, known_settings(), what="setting")
        for name, value in values.items():
            if name not in cls.settings():
                raise PruneError(f"`{name}` {value} has no effect on the method {cls.method!r}")

    def to_json(self) -> dict[str, Any]:
        """Return the method and its settings by name, as JSON types."""
        values = self.values() | {"rules": [rule.to_json() for rule in self.layers.rules]}
        return {"method": self.method} | {
            name: list(value) if isinstance(value, tuple) else value for name, value in values.items()
        }


def prune_methods() -> dict[str, type[PruneSettings]]:
    """Return the settings of every method, by its name."""
    import_module("crisp_sw.prune.settings.methods")  # only now, as its methods are named here
    return dict(_METHODS)


def known_settings() -> list[str]:
    """Return the name of every setting that any method reads, "method" first."""
    return list(
        dict.fromkeys(["method", *(name for kind in prune_methods().values() for name in kind.settings())])
    )


def settings_of(*, method: str = DEFAULT_METHOD, **values: Any) -> PruneSettings:
    """Return the settings of a method by their names alone, wherever in its groups they are.

    Raises
    ------
    PruneError : there is no such method or setting, the method does not read it, or a value is out of range.
    """
    return _method(method).of(**values)


def settings_from_json(values: Mapping[str, Any]) -> PruneSettings:
    """Return the settings that :meth:`PruneSettings.to_json` described; what is absent has its default.

    Settings of other methods are left out, so that one file can serve several methods, and files of the time
    when all methods had the same settings can be read.

    Raises
    ------
    PruneError : a value is of the wrong type or out of range, or a name is no setting of any method.
    """
    if not isinstance(values, Mapping):
        raise PruneError(f"settings must be values by name, not {values!r}")
    require_known(values, known_settings(), what="setting")
    kind = _method(values.get("method", DEFAULT_METHOD))
    chosen = {name: value for name, value in values.items() if name in kind.settings()}
    for name in ("exclude", "exclude_types"):
        if name in chosen:
            chosen[name] = as_tuple(name, chosen[name], of="strings")
    if "rules" in chosen:
        chosen["rules"] = rules_from_json(chosen["rules"])
    return kind.of(**chosen)


def _method(name: Any) -> type[PruneSettings]:
    known = prune_methods()
    require_choice("method", name, list(known))
    return known[name]

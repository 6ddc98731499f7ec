"""The config of the sparsifier: a mapping for each weight, in the manner of `torch.ao.pruning`."""

from collections.abc import Mapping, Sequence
from glob import escape
from typing import Any

from torch import nn

from crisp_sw.prune.errors import PruneError
from crisp_sw.prune.layers.prunable_layers import PrunableLayer
from crisp_sw.prune.settings.layer_rules import LayerRule
from crisp_sw.prune.settings.masked_pruning import MaskedPruning

_WEIGHT = ".weight"


def settings_of_entries(settings: MaskedPruning) -> list[str]:
    """Return the settings that the entry of a layer may override: those of a rule that the method reads."""
    read = settings.settings()
    return [name for name in LayerRule.settings() if name in read]


def weight_name(module_name: str) -> str:
    """Return the fully qualified name of a module's weight; "weight" for the model itself."""
    return f"{module_name}{_WEIGHT}".removeprefix(".")


def module_name(weight: Any) -> str:
    """Return the name of the module whose weight has this fully qualified name.

    Raises
    ------
    PruneError : it is no name of a weight.
    """
    if not isinstance(weight, str) or not f".{weight}".endswith(_WEIGHT):
        raise PruneError(f"`tensor_fqn` must be the name of a weight, such as 'conv1.weight', not {weight!r}")
    return f".{weight}".removesuffix(_WEIGHT).removeprefix(".")


def entry_of(layer: PrunableLayer, settings: MaskedPruning) -> dict[str, Any]:
    """Return the entry that describes ``layer`` in full, with the floors that the method reads."""
    read = settings.settings()
    return {
        "tensor_fqn": weight_name(layer.name),
        "n": layer.n,
        "m": layer.m,
        "block": layer.grid.block,
        **{name: value for name, value in layer.floor.values().items() if name in read},
    }


def with_config(
    settings: MaskedPruning, model: nn.Module, config: Sequence[Mapping[str, Any]]
) -> MaskedPruning:
    """Return the settings with a rule for each entry of ``config``, and all other layers dense.

    Raises
    ------
    PruneError : ``config`` is no list of mappings; or an entry names no weight of ``model``, or one that
        another entry names, or has a key that is no setting of a layer.
    """
    _require_mappings(config)
    modules = dict(model.named_modules())
    rules, known = [*settings.layers.rules, LayerRule(name="*", dense=True)], settings_of_entries(settings)
    seen: set[str] = set()
    for entry in config:
        overrides = {key: value for key, value in entry.items() if key != "tensor_fqn"}
        for key in overrides:
            if key not in known:
                raise PruneError(f"{key!r} is no setting of a layer; expected one of {', '.join(known)}")
        name = module_name(entry.get("tensor_fqn"))
        if name not in modules:
            raise PruneError(f"the model has no weight {weight_name(name)!r}")
        if name in seen:
            raise PruneError(f"`config` names {weight_name(name)!r} twice; expected each weight once")
        seen.add(name)
        rules.append(LayerRule(name=escape(name), **overrides))
    return settings.with_values(rules=tuple(rules))


def require_kept(of_all: Any, per_layer: Any, entries: Sequence[Mapping[str, Any]]) -> None:
    """Raise PruneError unless ``entries`` have what is to be kept of all layers, and of single ones."""
    if not isinstance(per_layer, Mapping | None):
        raise PruneError(f"`params_to_keep_per_layer` must be names by layer, not {per_layer!r}")
    known, layers = list(entries[0]), [entry["module_fqn"] for entry in entries]
    for layer in per_layer or {}:
        if layer not in layers:
            raise PruneError(f"{layer!r} is no pruned layer; expected one of {', '.join(layers)}")
    for names in (of_all or (), *(per_layer or {}).values()):
        if isinstance(names, str) or not isinstance(names, Sequence):
            raise PruneError(f"parameters to keep must be a list such as ('mask', 'n'), not {names!r}")
        for name in names:
            if name not in known:
                raise PruneError(f"no parameter {name!r} to keep; expected one of {', '.join(known)}")


def _require_mappings(config: Any) -> None:
    """Raise unless ``config`` is a sequence of mappings: a name alone would come apart into letters."""
    example = 'mappings such as {"tensor_fqn": "conv1.weight", "n": 2}'
    if not isinstance(config, Sequence) or isinstance(config, str):
        raise PruneError(f"`config` must be a list of {example}, not {config!r}")
    for entry in config:
        if not isinstance(entry, Mapping):
            raise PruneError(f"`config` must be a list of {example}; {entry!r} is none")

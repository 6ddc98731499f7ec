"""Which layers the settings leave dense: exclusions, the first layer, the classifier, and rules."""

from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase

from torch import nn

from crisp_sw.prune.errors import PruneError
from crisp_sw.prune.layers.layer_roles import first_layer, output_layer
from crisp_sw.prune.layers.model_rules import ModelRules
from crisp_sw.prune.layers.never_pruned import other_layers
from crisp_sw.prune.settings.layer_choice import LayerChoice
from crisp_sw.prune.settings.layer_rules import LayerRule


def weight_layers(model: nn.Module) -> dict[str, nn.Conv2d | nn.Linear]:
    """Return the Conv2d and Linear layers of ``model``, by name."""
    return {
        name: module for name, module in model.named_modules() if isinstance(module, nn.Conv2d | nn.Linear)
    }


def excluded_layers(model: nn.Module, choice: LayerChoice) -> dict[str, str]:
    """Return why ``choice`` leaves layers of ``model`` dense, by name, in the model's order.

    Layers that no method prunes are among them where the settings name them.

    Raises
    ------
    PruneError : an exclusion or rule matches no layer, or it cannot be told which is the first or the
        classifier, where the settings name these.
    """
    modules = weight_layers(model)
    others = {name: layer.module for name, layer in other_layers(model).items()}
    layers = {**modules, **others}
    _check_exclusions(layers, choice)
    rules = ModelRules(choice.rules, model)
    rules.require_matches(prunable=modules, dense=others)
    fixed = {}
    if choice.dense_first and modules:
        fixed[first_layer(model, otherwise="its name in `exclude`, not `dense_first`")] = "the first layer"
    if choice.dense_classifier and modules:
        classifier = output_layer(model, otherwise="its name in `exclude`, not `dense_classifier`")
        fixed[classifier] = "the classifier"
    reasons = {}
    for name in (name for name, _ in model.named_modules() if name in layers):
        reason = _dense_by_rule(rules.of(name)) or fixed.get(name) or _excluded(name, layers[name], choice)
        if reason is not None:
            reasons[name] = reason
    return reasons


def _dense_by_rule(rules: Sequence[LayerRule]) -> str | None:
    return f"dense by the rule for {rules[-1]}" if rules and rules[-1].dense else None


def _excluded(name: str, module: nn.Module, choice: LayerChoice) -> str | None:
    for pattern in choice.exclude:
        if fnmatchcase(name, pattern):
            return f"excluded by name: {pattern}"
    kind = type(module).__name__
    return f"excluded by type: {kind}" if kind in choice.exclude_types else None


def _check_exclusions(layers: Mapping[str, nn.Module], choice: LayerChoice) -> None:
    for pattern in choice.exclude:
        if not any(fnmatchcase(name, pattern) for name in layers):
            raise PruneError(
                f"`exclude` pattern {pattern!r} matches no layer; expected one of {_listed(layers)}"
            )
    types = {type(module).__name__ for module in layers.values()}
    for name in choice.exclude_types:
        if name not in types:
            raise PruneError(
                f"`exclude_types` {name!r} matches no layer; expected one of {_listed(sorted(types))}"
            )


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names) or "(the model has none)"

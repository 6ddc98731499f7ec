"""The rules of a run on the layers of one model: which speak of a layer, and whether all are of use."""

from collections.abc import Collection, Mapping, Sequence

from torch import nn

from crisp_sw.prune.errors import PruneError
from crisp_sw.prune.layers.layer_roles import first_layer, output_layer
from crisp_sw.prune.settings.layer_rules import LayerRule


class ModelRules:
    """Rules, with the names and roles that the layers of ``model`` have.

    Raises
    ------
    PruneError : a rule speaks of a role, and it cannot be told which layer has it.
    """

    def __init__(self, rules: Sequence[LayerRule], model: nn.Module):
        self._rules = rules
        self._modules = dict(model.named_modules())
        self._roles: dict[str, set[str]] = {}
        finders = {"first": first_layer, "classifier": output_layer}
        for role in dict.fromkeys(rule.role for rule in rules if rule.role is not None):
            name = finders[role](model, otherwise=f"its `name` in the rule, not `role` {role!r}")
            self._roles.setdefault(name, set()).add(role)

    def of(self, name: str) -> list[LayerRule]:
        """Return the rules that speak of the module of this name, in their order."""
        return [rule for rule in self._rules if self._match(rule, name)]

    def _match(self, rule: LayerRule, name: str) -> bool:
        return rule.matches(name, type(self._modules[name]).__name__, self._roles.get(name, ()))

    def require_matches(self, *, prunable: Collection[str], dense: Collection[str]) -> None:
        """Raise PruneError unless every rule matches a layer that it can be meant for.

        Parameters
        ----------
        prunable : names of the Conv2d and Linear layers of the model.
        dense : of its other layers with weights, which rules can only leave dense.
        """
        for rule in self._rules:
            fitting = [*prunable, *dense] if rule.dense else prunable
            if any(self._match(rule, name) for name in fitting):
                continue
            for name, module in self._modules.items():
                if name and self._match(rule, name):
                    raise PruneError(
                        f"the rule for {rule} names {name!r}, a {type(module).__name__}, which cannot be "
                        "pruned; expected a Conv2d or Linear layer"
                    )
            raise PruneError(
                f"the rule for {rule} matches no layer; expected one of "
                f"{', '.join(prunable) or '(the model has none)'}"
            )

    def require_effects(self, *, pruned: Collection[str], dense: Mapping[str, str]) -> None:
        """Raise PruneError if a rule sets something, but all layers that it matches stay dense.

        A later rule may leave such layers dense: it wins.

        Parameters
        ----------
        pruned : the names of the layers of the model that are pruned.
        dense : the others, and why they stay dense.
        """
        for number, rule in enumerate(self._rules):
            if rule.dense or not rule.overrides:
                continue
            later = [other for other in self._rules[number + 1 :] if other.dense]
            matched = [name for name in (*pruned, *dense) if self._match(rule, name)]
            overruled = [name for name in matched if any(self._match(other, name) for other in later)]
            if matched and not overruled and all(name in dense for name in matched):
                raise PruneError(
                    f"the rule for {rule} sets {', '.join(rule.overrides)}, but matches only layers that "
                    f"stay dense ({matched[0]}: {dense[matched[0]]}); expected one that is pruned: "
                    f"{', '.join(pruned)}"
                )

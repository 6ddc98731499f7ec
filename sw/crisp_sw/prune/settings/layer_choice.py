"""Settings that say which layers are pruned, and each of them how."""

from dataclasses import dataclass

from crisp_sw.prune.errors import PruneError
from crisp_sw.prune.settings.layer_rules import LayerRule
from crisp_sw.prune.settings.settings_group import SettingsGroup
from crisp_sw.prune.settings.value_checks import require_flag, require_names


@dataclass(frozen=True, kw_only=True)
class LayerChoice(SettingsGroup):
    """Which layers stay dense, and what holds for single ones.

    Parameters
    ----------
    exclude : shell-style patterns of layer names that stay dense; each must match a layer.
    exclude_types : class names of layers that stay dense, such as "Linear".
    dense_first : leave the layer that runs first dense.
    dense_classifier : leave the classifier, which makes the outputs, dense.
    rules : settings of single layers; of several that match, later ones win.
    """

    exclude: tuple[str, ...] = ()
    exclude_types: tuple[str, ...] = ()
    dense_first: bool = False
    dense_classifier: bool = False
    rules: tuple[LayerRule, ...] = ()

    def __post_init__(self):
        super().__post_init__()
        require_names("exclude", self.exclude)
        require_names("exclude_types", self.exclude_types)
        require_flag("dense_first", self.dense_first)
        require_flag("dense_classifier", self.dense_classifier)
        if not isinstance(self.rules, tuple) or not all(isinstance(rule, LayerRule) for rule in self.rules):
            raise PruneError(f"`rules` must be a tuple of LayerRule, not {self.rules!r}")

"""How cells are fine-tuned: the standard recipe, and variants that each change one thing of it.

All methods of a grid train equally long, on the same images and with the same learning rates. The dense
network is distilled from the universal one, pruned networks from the dense one: these gain most from
imitating it almost alone, while the dense network would lose by imitating a worse one so closely.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from crisp_sw.flows.experiment.cells.cell import Cell, ExperimentError
from crisp_sw.prune import PruneSettings, settings_from_json

_METHODS = {"magnitude": "crisp", "random": "crisp", "nm-only": "nm", "block-only": "block"}
_SALIENCIES = {"magnitude": "magnitude", "random": "random"}


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Fine-tuning settings.

    Attributes
    ----------
    settings : by name, those that do not come from the cell; each method reads its own.
    dense_settings : those in which the dense network differs.
    start : what is pruned: the "universal" network cut to the classes, or the "dense" fine-tuned one.
    teacher : what is distilled from, if the settings distil: the "dense" fine-tuned or the "universal" one.
    trains_more : than the standard recipe, which may help the dense network as well: it is measured too.
    """

    settings: Mapping[str, Any] = field(default_factory=dict)
    dense_settings: Mapping[str, Any] = field(default_factory=dict)
    start: Literal["universal", "dense"] = "universal"
    teacher: Literal["universal", "dense"] = "dense"
    trains_more: bool = False

    def with_settings(self, **changes: Any) -> "Recipe":
        """Return the recipe with some settings changed."""
        return replace(self, settings={**self.settings, **changes})

    def prune_settings(self, cell: Cell) -> PruneSettings:
        """Combine the cell's method and pattern with the recipe.

        Raises
        ------
        PruneError : they do not fit together.
        """
        settings = {**self.settings, "seed": cell.class_seed}
        if cell.method == "dense":
            settings |= self.dense_settings
        settings["method"] = _METHODS.get(cell.method, cell.method.replace("-", "_"))
        settings["saliency"] = _SALIENCIES.get(cell.method, settings.get("saliency", "class-aware"))
        for name in ("n", "m", "block", "sparsity"):
            if getattr(cell, name) is not None:
                settings[name] = getattr(cell, name)
        if cell.method == "nm-only" and cell.n and cell.m:
            settings["sparsity"] = 1 - cell.n / cell.m
        return settings_from_json(settings)

    def to_json(self) -> dict[str, Any]:
        """Return what results depend on, as JSON types."""
        return {
            "settings": dict(self.settings),
            "dense_settings": dict(self.dense_settings),
            "start": self.start,
            "teacher": self.teacher,
        }


STANDARD = Recipe(
    settings={
        "iterations": 4,
        "epochs_per_iteration": 1,
        "final_epochs": 20,
        "schedule": "linear",
        "learning_rate": 0.02,
        "lr_schedule": "cosine",
        "batch_size": 64,
        "distillation": 0.9,
        "temperature": 4.0,
        "crop_padding": 4,
        "crop_border": "mirror",
        "flip": True,
        "batch_norm": "running",
    },
    dense_settings={"distillation": 0.5, "temperature": 2.0},
)

VARIANTS: dict[str, Recipe] = {
    "no-augmentation": STANDARD.with_settings(crop_padding=0, flip=False),
    "no-distillation": STANDARD.with_settings(distillation=0.0),
    "half-distillation": STANDARD.with_settings(distillation=0.5, temperature=2.0),
    "universal-teacher": replace(STANDARD, teacher="universal"),
    "transfer-set": replace(STANDARD.with_settings(unlabelled_batch=64, own_epochs=4), trains_more=True),
    "from-dense": replace(STANDARD, start="dense"),
    "short": STANDARD.with_settings(final_epochs=8),
    "long": replace(STANDARD.with_settings(final_epochs=36), trains_more=True),
    "one-step": STANDARD.with_settings(iterations=1, epochs_per_iteration=4),
    "cubic": STANDARD.with_settings(schedule="cubic"),
    "no-regrowth": STANDARD.with_settings(gradient="masked"),
    "sr-ste": STANDARD.with_settings(gradient="sr-ste"),
    "no-floor": STANDARD.with_settings(min_kept_share=0.0),
    "fixed-floor": STANDARD.with_settings(min_kept_share=0.75),
    "high-rate": STANDARD.with_settings(learning_rate=0.05),
    "final-cosine": STANDARD.with_settings(lr_schedule="final-cosine"),
    "sum-of-scores": STANDARD.with_settings(rank_score="sum"),
    "signed-scores": STANDARD.with_settings(accumulation="signed"),
    "normalised-scores": STANDARD.with_settings(layer_norm="mean"),
    "monotone-nm": STANDARD.with_settings(nm_choice="monotone"),
    "new-statistics": STANDARD.with_settings(batch_norm="reestimate"),
}


def find_recipe(variant: str) -> Recipe:
    """Return the recipe of a variant; "" is the standard one.

    Raises
    ------
    ExperimentError : there is no such variant.
    """
    if not variant:
        return STANDARD
    if variant not in VARIANTS:
        raise ExperimentError(f"no variant {variant!r}; expected one of {', '.join(VARIANTS)}")
    return VARIANTS[variant]

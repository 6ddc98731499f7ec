"""The pruner for a training loop of your own, after the conventions of `torch.ao.pruning`.

sparsifier = CrispSparsifier(sparsity=0.9, n=2, m=4, block=16)
sparsifier.prepare(model, config=None)
for target in (0.6, 0.75, 0.9):
    for images, labels in loader:
        loss(model(images), labels).backward()
        sparsifier.accumulate()
        optimizer.step()
        optimizer.zero_grad()
    sparsifier.step(target)
sparsifier.freeze()
...  # train on with the final masks
sparsifier.squash_mask()
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from glob import escape
from typing import Any

import torch
from torch import Tensor, nn
from torch.ao.pruning.sparsifier.base_sparsifier import BaseSparsifier

from crisp_golden.network import Pattern
from crisp_sw.prune.errors import PruneError, SaliencyError
from crisp_sw.prune.layers import DenseLayer, PrunableLayer, require_any, sort_layers
from crisp_sw.prune.mask_file import require_fitting
from crisp_sw.prune.masked_layer import MaskedLayer, sparsity_of
from crisp_sw.prune.masking import HybridMask, attach_mask, mask_of, masked
from crisp_sw.prune.rules import LayerRule
from crisp_sw.prune.saliency import normalised, weight_saliency
from crisp_sw.prune.schedule import target_sparsities
from crisp_sw.prune.selection import selection_for
from crisp_sw.prune.settings import PruneSettings

PER_LAYER = ("n", "m", "block", "min_kept_blocks", "min_kept_share")
"""Settings that a layer's entry of the config may override."""

_WEIGHT = ".weight"


class CrispSparsifier(BaseSparsifier):
    """Hybrid block and N:M sparsity of Conv2d and Linear weights, by the selection of `prune_for_classes`.

    Masks are parametrizations (:class:`crisp_sw.prune.masking.HybridMask`). Works on any device and in
    float32 or bfloat16; weights are ranked on the CPU.

    Parameters
    ----------
    choices : fields of :class:`crisp_sw.prune.PruneSettings`; those on training are not read.

    Attributes
    ----------
    layers : the pruned layers, by module name.
    dense_layers : the others, with the reasons.
    steps : done so far.

    Raises
    ------
    PruneError : a value is out of range, or the method has no masks.
    """

    def __init__(self, **choices: Any):
        try:
            self.settings = PruneSettings(**choices)
        except TypeError as error:
            raise PruneError(f"not pruning settings: {error}") from error
        if self.settings.method in ("dense", "channel"):
            raise PruneError(f"method {self.settings.method!r} has no masks; expected one that does")
        super().__init__(defaults={name: getattr(self.settings, name) for name in PER_LAYER})
        self.layers: dict[str, MaskedLayer] = {}
        self.dense_layers: list[DenseLayer] = []
        self.steps = 0
        self._gradients: dict[str, Tensor] = {}

    def prepare(self, model: nn.Module, config: Sequence[Mapping[str, Any]] | None = None) -> None:
        """Put all-kept masks on the weights of ``model``, in place.

        Parameters
        ----------
        config : one mapping per weight, with its name as ``tensor_fqn`` ("layer1.0.conv1.weight") and, where
            they differ from the sparsifier's, ``n``, ``m``, ``block``, ``min_kept_blocks``,
            ``min_kept_share``. None: every layer that can be pruned.

        Raises
        ------
        PruneError : an entry names no weight that can be pruned, or a key that is no setting of a layer.
        UnreachableSparsityError : the floors allow less than the sparsifier's ``sparsity``.
        Nothing is changed then.
        """
        if self.layers:
            raise PruneError("the sparsifier has a model already; expected one `prepare` per sparsifier")
        settings = self.settings if config is None else self._with_rules(model, config)
        prunable, self.dense_layers = sort_layers(model, settings)
        for name in map(_module_name, config or ()):
            for layer in self.dense_layers:
                if layer.name == name:
                    raise PruneError(f"{name + _WEIGHT!r} cannot be pruned: {layer.reason}")
        require_any(prunable, self.dense_layers)
        masks = {layer.name: self._new_mask(layer) for layer in prunable}
        layers = {layer.name: MaskedLayer(layer, masks[layer.name]) for layer in prunable}
        selection = selection_for(layers, self.settings)
        selection.require_reachable(self.settings.sparsity)
        self._masks, self.layers, self._selection = masks, layers, selection
        self._targets = target_sparsities(self.settings, start=selection.start_sparsity)
        super().prepare(model, [_entry(layer) for layer in prunable])

    def _prepare(self, *args: Any, **kwargs: Any) -> None:
        for group in self.groups:
            mask = self._masks[group["module_fqn"]]
            attach_mask(group["module"], mask)
            self.state[group["tensor_fqn"]]["mask"] = mask.mask

    def accumulate(self) -> None:
        """Add the weights' gradients to the saliency; call it after ``backward``, before they are zeroed.

        Raises
        ------
        SaliencyError : a weight has no gradient, or one that is not finite; nothing is added then.
        """
        gradients = {name: self._gradient(name, layer) for name, layer in self.layers.items()}
        for name, gradient in gradients.items():
            if self.settings.accumulation == "absolute":
                gradient = gradient.abs()
            self._gradients[name] = self._gradients[name] + gradient if name in self._gradients else gradient

    def step(self, sparsity: float | None = None) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Choose new masks by the saliency accumulated since the last step, over all layers together.

        Parameters
        ----------
        sparsity : to reach; None for the next of the schedule's targets, or the last one again.

        Raises
        ------
        SaliencyError : nothing was accumulated, for class-aware saliency.
        UnreachableSparsityError : the floors keep more. Masks are then as before.
        """
        if not self.enable_mask_update:
            return
        if sparsity is None:
            sparsity = self._targets[min(self.steps, len(self._targets) - 1)]
        with torch.no_grad():
            self._selection.select(self._saliency(), sparsity)
        self.steps += 1
        self._gradients = {}

    def update_mask(self, module: nn.Module, tensor_name: str, **kwargs: Any) -> None:
        """Set the mask of one weight to ``kwargs["mask"]``, if that is given: bool, in the weight's shape."""
        if "mask" in kwargs:
            mask_of(module).mask.copy_(kwargs["mask"])

    def freeze(self) -> None:
        """Make the masks final: pruned weights receive no more gradients, and `step` changes nothing."""
        self.enable_mask_update = False
        for layer in self.layers.values():
            layer.freeze()

    def squash_mask(self, *args: Any, **kwargs: Any) -> None:
        """Bake the masks into the weights; parameters as of the base class."""
        super().squash_mask(*args, **kwargs)
        for layer in self.layers.values():
            layer.layer.module.weight.data.add_(0.0)  # no negative zeros

    def sparsity(self) -> float:
        """Return the share of the pruned layers' weights that is masked, 0 to 1."""
        return sparsity_of(list(self.layers.values()))

    def patterns(self) -> dict[str, Pattern]:
        """Return the hardware's pattern of each pruned layer, by module name."""
        return {name: layer.pattern() for name, layer in self.layers.items()}

    def load_state_dict(self, state_dict: dict[str, Any], strict: bool = True) -> None:
        """Restore the masks of :meth:`state_dict`, of a sparsifier that was prepared alike; all or none.

        Raises
        ------
        MaskError : they do not fit the layers.
        """
        masks = {fqn.removesuffix(_WEIGHT): values["mask"] for fqn, values in state_dict["state"].items()}
        require_fitting(masks, self.layers, source="the state")
        for name, layer in self.layers.items():
            layer.set_mask(masks[name])

    def _new_mask(self, layer: PrunableLayer) -> HybridMask:
        ones = torch.ones_like(layer.module.weight, dtype=torch.bool)
        return HybridMask(ones, gradient=self.settings.mask_gradient, decay=self.settings.sr_ste_decay)

    def _with_rules(self, model: nn.Module, config: Sequence[Mapping[str, Any]]) -> PruneSettings:
        """Return the settings with a rule for each entry, and all other layers dense."""
        rules = [*self.settings.rules, LayerRule(name="*", dense=True)]
        for entry in config:
            overrides = {key: value for key, value in entry.items() if key != "tensor_fqn"}
            for key in overrides:
                if key not in PER_LAYER:
                    raise PruneError(
                        f"{key!r} is no setting of a layer; expected one of {', '.join(PER_LAYER)}"
                    )
            name = _module_name(entry)
            if name not in dict(model.named_modules()):
                raise PruneError(f"the model has no weight {name + _WEIGHT!r}")
            rules.append(LayerRule(name=escape(name), **overrides))
        return replace(self.settings, rules=tuple(rules))

    def _gradient(self, name: str, layer: MaskedLayer) -> Tensor:
        weight = layer.weight
        if weight.grad is None:
            raise SaliencyError(f"{name!r} has no gradient; expected `accumulate` after `backward`")
        gradient = weight.grad.float()
        if self.settings.mask_gradient == "sr-ste":
            # What the mask added is not a derivative of the loss.
            kept = masked(weight.detach(), mask_of(layer.layer.module).mask)
            gradient = gradient - self.settings.sr_ste_decay * (weight.detach() - kept).float()
        if not bool(gradient.isfinite().all()):
            raise SaliencyError(f"the gradient of {name!r} is NaN or infinite; expected finite numbers")
        return gradient.clone()

    def _saliency(self) -> dict[str, Tensor]:
        weights = {name: layer.weight for name, layer in self.layers.items()}
        if self.settings.saliency != "class-aware":
            return weight_saliency(weights, self.settings)
        if not self._gradients:
            raise SaliencyError("no gradients since the last step; expected `accumulate` after `backward`")
        saliency = {
            name: (weight.detach().float() * self._gradients[name]).abs().cpu()
            for name, weight in weights.items()
        }
        return {name: normalised(values, self.settings.layer_norm) for name, values in saliency.items()}


def _entry(layer: PrunableLayer) -> dict[str, Any]:
    fqn = f"{layer.name}{_WEIGHT}".removeprefix(".")
    return {"tensor_fqn": fqn, "n": layer.n, "m": layer.m, "block": layer.grid.block}


def _module_name(entry: Mapping[str, Any]) -> str:
    fqn = entry.get("tensor_fqn")
    if not isinstance(fqn, str) or not f".{fqn}".endswith(_WEIGHT):
        raise PruneError(f"`tensor_fqn` must be the name of a weight, such as 'conv1.weight', not {fqn!r}")
    return f".{fqn}".removesuffix(_WEIGHT).removeprefix(".")

"""The pruner for a training loop of your own, after the conventions of `torch.ao.pruning`.

For example::

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
from typing import Any

import torch
from torch import Tensor, nn
from torch.amp.grad_scaler import GradScaler
from torch.ao.pruning.sparsifier.base_sparsifier import BaseSparsifier

from crisp_golden.arithmetic.network import Pattern
from crisp_sw.modules.wrappers import unwrapped
from crisp_sw.prune.errors import PruneError, SaliencyError
from crisp_sw.prune.layers.computed_weights import require_prunable_alone
from crisp_sw.prune.layers.prunable_layers import DenseLayer, check_sorted, sort_layers
from crisp_sw.prune.masks.gradient_record import GradientRecord
from crisp_sw.prune.masks.mask_checks import require_fitting
from crisp_sw.prune.masks.masked_layer import MaskedLayer, mask_for, sparsity_of
from crisp_sw.prune.masks.masking import attach_mask, detach_from_copies, put_weight_first
from crisp_sw.prune.methods.registry import selection_for
from crisp_sw.prune.run.run_checks import require_values
from crisp_sw.prune.settings.masked_pruning import MaskedPruning
from crisp_sw.prune.settings.prune_settings import settings_of
from crisp_sw.prune.settings.schedule import target_sparsities
from crisp_sw.prune.settings.value_checks import require_real
from crisp_sw.prune.sparsifier.sparsifier_config import (
    entry_of,
    module_name,
    require_kept,
    settings_of_entries,
    weight_name,
    with_config,
)
from crisp_sw.prune.sparsifier.sparsifier_state import read_state
from crisp_sw.prune.tuning.saliency import normalised, require_finite_saliency, weight_saliency


class CrispSparsifier(BaseSparsifier):
    """Hybrid block and N:M sparsity of Conv2d and Linear weights, by the selection of `prune_for_classes`.

    Masks are parametrizations (:class:`crisp_sw.prune.masks.masking.HybridMask`). Works on any device and in
    float32 or bfloat16; weights are ranked on the CPU. A copy has masks and layers of its own; copy
    the model in the same call, ``copy.deepcopy((model, sparsifier))``, to keep the two together.

    Parameters
    ----------
    choices : of :func:`crisp_sw.prune.settings_of`, ``method`` among them; those on training are not read.

    Attributes
    ----------
    layers : the pruned layers, by module name.
    dense_layers : the others, with the reasons.
    steps : done so far.
    frozen : whether the masks are final.
    squashed : whether they are baked into the weights; nothing can move them then.

    Raises
    ------
    PruneError : a value is out of range, or the method has no masks; from every method, a call in the wrong
        order, such as `step` before `prepare` or after `squash_mask`. Nothing is changed then.
    """

    def __init__(self, **choices: Any):
        settings = settings_of(**choices)
        if not isinstance(settings, MaskedPruning):
            raise PruneError(f"method {settings.method!r} has no masks; expected one that does")
        self.settings = settings
        values = settings.values()
        defaults = {name: values[name] for name in settings_of_entries(settings)}
        super().__init__(defaults={**defaults, "sparsity_level": self.settings.sparsity})
        self.layers: dict[str, MaskedLayer] = {}
        self.dense_layers: list[DenseLayer] = []
        self.steps, self.frozen, self.squashed = 0, False, False

    def __getstate__(self) -> dict[str, Any]:
        """Return everything, as copies need it, but the counter that a scheduler puts before `step`."""
        return {name: value for name, value in self.__dict__.items() if name != "step"}

    def prepare(self, model: nn.Module, config: Sequence[Mapping[str, Any]] | None = None) -> None:
        """Put all-kept masks on the weights of ``model``, in place; layers have their names within a wrapper.

        Parameters
        ----------
        config : one mapping per weight, with its name as ``tensor_fqn`` ("layer1.0.conv1.weight") and, where
            they differ from the sparsifier's, ``n``, ``m``, ``block``, ``min_kept_blocks``,
            ``min_kept_share``. None: every layer that can be pruned.

        Raises
        ------
        PruneError : ``config`` is no list of mappings; or an entry names no weight that can be pruned, or one
            that another entry names, or a key that is no setting of a layer. Or a layer computes with another
            weight than its parameter, which would bring pruned weights back.
        UnreachableSparsityError : the floors allow less than the sparsifier's ``sparsity``.
        Nothing is changed then.
        """
        if self.layers:
            raise PruneError("the sparsifier has a model already; expected one `prepare` per sparsifier")
        model = unwrapped(model)
        require_values(model)
        settings = self.settings if config is None else with_config(self.settings, model, config)
        prunable, dense = sort_layers(model, settings)
        named = {module_name(entry["tensor_fqn"]) for entry in config or ()}
        for layer in dense:
            if layer.name in named:
                raise PruneError(f"{weight_name(layer.name)!r} cannot be pruned: {layer.reason}")
        check_sorted(model, settings, prunable, dense)
        for layer in prunable:
            require_prunable_alone(layer.name, layer.module)
        layers = {layer.name: MaskedLayer(layer, mask_for(layer, self.settings)) for layer in prunable}
        selection = selection_for(layers, self.settings)
        selection.require_reachable(self.settings.sparsity)
        self.layers, self.dense_layers, self._selection = layers, dense, selection
        self._targets = target_sparsities(self.settings, start=selection.start_sparsity)
        super().prepare(model, [entry_of(layer, self.settings) for layer in prunable])

    def _prepare(self, *args: Any, **kwargs: Any) -> None:
        for layer in self.layers.values():
            if self.settings.scoring.saliency == "class-aware":
                layer.parametrization.record = GradientRecord()
            attach_mask(layer.layer.module, layer.parametrization)
        self._show_masks()

    def accumulate(self, scaler: GradScaler | None = None) -> None:
        """Add the weights' gradients to the saliency; call it after ``backward``, before they are zeroed.

        Only what came since the last call is added: gradients of several micro-batches may stay in ``grad``.
        A weight without one, as the loss does not depend on it, has gradient 0. With "sr-ste", and with
        frozen weights, whose gradients are not zeroed with the others, call it after every single
        ``backward``. Without class-aware saliency nothing is read.

        Parameters
        ----------
        scaler : that scaled the loss; its scale is taken off again, and a batch whose gradients overflowed is
            left out, as its ``step`` leaves it out. Call it before ``scaler.unscale_`` and ``scaler.update``.

        Raises
        ------
        SaliencyError : no weight has a new gradient, or one is not finite; nothing is added then.
        """
        self._require_masks("accumulate")
        if self.settings.scoring.saliency != "class-aware" or self.frozen:
            return
        if scaler is not None and not isinstance(scaler, GradScaler):
            raise PruneError(f"`scaler` must be a torch.amp.GradScaler, not {scaler!r}")
        gradients = self._new_gradients(1.0 if scaler is None else scaler.get_scale())
        overflowed = [name for name, gradient in gradients.items() if not bool(gradient.isfinite().all())]
        if overflowed and scaler is not None and scaler.is_enabled():
            return
        if overflowed:
            raise SaliencyError(
                f"the gradient of {overflowed[0]!r} is NaN or infinite; expected finite numbers"
            )
        for name, gradient in gradients.items():
            if self.settings.scoring.accumulation == "absolute":
                gradient = gradient.abs()
            state = self.state[weight_name(name)]
            state["gradient"] = state["gradient"] + gradient if "gradient" in state else gradient

    def step(self, sparsity: float | None = None) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Choose new masks by the saliency accumulated since the last step, over all layers together.

        Parameters
        ----------
        sparsity : to reach. None: the ``sparsity_level`` that a scheduler of `torch.ao.pruning` has set, or,
            without one, the next of the settings' schedule; the last again after that.

        Raises
        ------
        SaliencyError : for class-aware saliency, nothing was accumulated; or a saliency is not finite, as a
            weight or what was accumulated is not. Masks are then as before.
        UnreachableSparsityError : the floors keep more. Masks are then as before.
        PruneError : a layer is no longer in the model. Masks are then as before.
        """
        self._require_masks("step")
        self._require_layers_in_model()
        if self.frozen or not self.enable_mask_update:
            return
        target = self._next_target() if sparsity is None else sparsity
        require_real("sparsity", target, 0.0, 1.0, open_end=True)
        with torch.no_grad():
            self._selection.select(self._saliency(), target)
        self.steps += 1
        for state in self.state.values():
            state.pop("gradient", None)
        self._show_masks()

    def update_mask(self, module: nn.Module, tensor_name: str, **kwargs: Any) -> None:
        """Set the mask of one weight to ``kwargs["mask"]``, if that is given: bool, in the weight's shape.

        Raises
        ------
        MaskError : the mask does not have the layer's pattern.
        PruneError : the module is no layer of this sparsifier.
        """
        self._require_masks("update_mask")
        if "mask" not in kwargs:
            return
        if tensor_name != "weight":
            raise PruneError(f"`tensor_name` must be 'weight', which is what is pruned, not {tensor_name!r}")
        for name, layer in self.layers.items():
            if layer.layer.module is module:
                require_fitting({name: kwargs["mask"]}, {name: layer}, source="`update_mask`")
                layer.set_mask(kwargs["mask"])
                return
        raise PruneError(
            f"a {type(module).__name__} that is not pruned here; expected one of {', '.join(self.layers)}"
        )

    def freeze(self) -> None:
        """Make the masks final: pruned weights receive no more gradients, and `step` changes nothing."""
        self._require_masks("freeze")
        self._set_frozen(True)

    def squash_mask(
        self,
        params_to_keep: tuple[str, ...] | None = None,
        params_to_keep_per_layer: dict[str, tuple[str, ...]] | None = None,
        *args: Any,
        **kwargs: Any,
    ) -> None:
        """Bake the masks into the weights; parameters are those of the base class, and "mask" can be kept.

        Raises
        ------
        PruneError : a parameter that is to be kept is none, or of no pruned layer; or a layer is no longer in
            the model; nothing is squashed then.
        """
        self._require_masks("squash_mask")
        self._require_layers_in_model()
        self._show_masks()
        plain = self.groups
        full = [{**group, "mask": self.state[group["tensor_fqn"]]["mask"]} for group in plain]
        require_kept(params_to_keep, params_to_keep_per_layer, full)
        self.groups = full
        for layer in self.layers.values():
            detach_from_copies(layer.layer.module)
        super().squash_mask(params_to_keep, params_to_keep_per_layer, *args, **kwargs)
        self.groups, self.squashed = plain, True
        for layer in self.layers.values():
            put_weight_first(layer.layer.module)
            layer.layer.module.weight.data.add_(0.0)  # no negative zeros

    def sparsity(self) -> float:
        """Return the share of the pruned layers' weights that is masked, 0 to 1."""
        self._require_model("sparsity")
        return sparsity_of(list(self.layers.values()))

    def patterns(self) -> dict[str, Pattern]:
        """Return the hardware's pattern of each pruned layer, by module name."""
        self._require_model("patterns")
        return {name: layer.pattern() for name, layer in self.layers.items()}

    def state_dict(self) -> dict[str, Any]:
        """Return what :meth:`load_state_dict` needs to go on from here, in the layout of the base class.

        Masks, gradients accumulated so far, steps, and whether the masks are frozen.
        """
        self._show_masks()
        state = {name: dict(values) for name, values in self.state.items()}
        return {**super().state_dict(), "state": state, "steps": self.steps, "frozen": self.frozen}

    def load_state_dict(self, state_dict: dict[str, Any], strict: bool = True) -> None:
        """Go on from the :meth:`state_dict` of a sparsifier that was prepared alike; all or nothing is taken.

        Raises
        ------
        MaskError : it does not fit the layers.
        """
        self._require_masks("load_state_dict")
        state = read_state(state_dict, self.layers)
        for name, layer in self.layers.items():
            layer.set_mask(state.masks[name])
            values = self.state[weight_name(name)]
            values.pop("gradient", None)
            if state.gradients:
                values["gradient"] = torch.zeros_like(layer.weight, dtype=torch.float32).copy_(
                    state.gradients[name]
                )
        for group in self.groups:
            group["sparsity_level"] = state.levels[group["module_fqn"]]
        self.steps = state.steps
        self._set_frozen(state.frozen)
        self._show_masks()

    def _require_model(self, call: str) -> None:
        if not self.layers:
            raise PruneError(f"`{call}` has no model to work on; expected `prepare` before it")

    def _require_masks(self, call: str) -> None:
        self._require_model(call)
        if self.squashed:
            raise PruneError(
                f"`{call}` after `squash_mask`, which removed the masks; expected it before that"
            )

    def _require_layers_in_model(self) -> None:
        """Raise PruneError if a layer was replaced; it may have another name, as wrappers give it."""
        present = set(self.model.modules())
        for name, layer in self.layers.items():
            if layer.layer.module not in present:
                raise PruneError(
                    f"layer {name!r} is no longer in the model; expected `prepare` after layers are replaced"
                )

    def _set_frozen(self, frozen: bool) -> None:
        self.frozen = frozen
        for layer in self.layers.values():
            layer.freeze(frozen)

    def _show_masks(self) -> None:
        """Let `state` hold the masks that are in use: moving the model to a device replaces them."""
        for name, layer in self.layers.items():
            self.state[weight_name(name)]["mask"] = layer.parametrization.mask

    def _next_target(self) -> float:
        if not hasattr(self, "_step_count"):  # set by the schedulers of `torch.ao.pruning`
            return self._targets[min(self.steps, len(self._targets) - 1)]
        levels = sorted({group["sparsity_level"] for group in self.groups})
        if len(levels) > 1:
            raise PruneError(
                f"the scheduler set sparsity levels from {levels[0]:g} to {levels[-1]:g}; "
                "expected the same for all layers, as they compete for it"
            )
        return levels[0]

    def _new_gradients(self, scale: float) -> dict[str, Tensor]:
        """Return the gradients of the loss since the last call, float32; it was multiplied by ``scale``."""
        taken = {name: layer.new_gradient(scale) for name, layer in self.layers.items()}
        if all(gradient is None for gradient in taken.values()):
            raise SaliencyError("no weight has a gradient; expected `accumulate` after `backward`")
        return {
            name: torch.zeros_like(self.layers[name].weight, dtype=torch.float32)
            if gradient is None
            else gradient
            for name, gradient in taken.items()
        }

    def _saliency(self) -> dict[str, Tensor]:
        weights = {name: layer.weight for name, layer in self.layers.items()}
        if self.settings.scoring.saliency != "class-aware":
            return weight_saliency(weights, self.settings.scoring, seed=self.settings.training.seed)
        if not any("gradient" in state for state in self.state.values()):
            raise SaliencyError("no gradients since the last step; expected `accumulate` after `backward`")
        saliency = {
            name: (weight.detach().float() * self.state[weight_name(name)]["gradient"]).abs().cpu()
            for name, weight in weights.items()
        }
        require_finite_saliency(saliency)
        return {
            name: normalised(values, self.settings.scoring.layer_norm) for name, values in saliency.items()
        }

"""The weights that layers compute with: a forward pass shows them, and whether pruned ones are 0 there.

A layer may compute with something else than its parameter: a `forward` of its own may standardise the weight
or take a running average instead, or a module around it may read the weight itself.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils.hooks import RemovableHandle

from crisp_sw.modules.modes import evaluating
from crisp_sw.modules.wrappers import module_copy, unwrapped
from crisp_sw.prune.errors import PruneError
from crisp_sw.prune.layers.exclusions import weight_layers
from crisp_sw.prune.run.run_checks import require_values
from crisp_sw.prune.tuning.inference import as_input

Layers = Mapping[str, nn.Conv2d | nn.Linear]

_WITH_WEIGHT = {"conv2d", "linear"}
"""Functions whose second argument is the weight."""
_PRODUCTS = {
    *("matmul", "__matmul__", "__rmatmul__", "mm", "addmm", "bmm", "einsum"),
    "multi_head_attention_forward",
}
"""Functions any of whose arguments may be the weight, or its transpose."""


def computed_sparsity(model: nn.Module, images: Tensor) -> dict[str, float]:
    """Return the share of zeros in the weights that each Conv2d and Linear layer computes with, by its name.

    Unlike the parameters, that is true of averaged models, of masks that are still on, and of layers that
    change their weight in ``forward``. Layers that do not run in inference mode are left out. Of a layer that
    runs several times, the fewest zeros count.

    Parameters
    ----------
    images : a batch as the model reads it, at least one image, of any device and type.

    Raises
    ------
    PruneError : a layer runs, but what it does with its weight cannot be seen; or the model fails on the
        images.
    """
    model = unwrapped(model)
    require_values(model)
    try:
        seen = _seen(model, weight_layers(model), as_input(images, model))
    except PruneError:
        raise
    except Exception as error:  # the model's code, which may raise anything
        raise PruneError(
            f"the model fails on these images: {type(error).__name__}: {error}; expected some that it reads"
        ) from error
    return {
        name: min(1 - int(weight.count_nonzero()) / weight.numel() for call in calls for weight in call)
        for name, calls in seen.items()
        if calls
    }


def require_computed_zeros(model: nn.Module, masks: Mapping[str, Tensor], images: Tensor) -> None:
    """Raise PruneError unless each layer of ``masks`` computes with zeros where its mask, of bool, is False.

    A layer that does not run in inference mode computes nothing.
    """
    layers = weight_layers(model)
    _require_zeros(model, {name: layers[name] for name in masks}, masks, images)


def require_prunable(model: nn.Module, names: Iterable[str], images: Tensor) -> None:
    """Raise PruneError unless zeros in the weights of the named layers are zeros where they compute.

    A copy of ``model`` is tried, with half of these weights set to 0.
    """
    probe = module_copy(model)
    layers = weight_layers(probe)
    chosen = {name: layers[name] for name in names}
    _require_zeros(probe, chosen, _half_zeroed(chosen), images)


def require_prunable_alone(name: str, layer: nn.Conv2d | nn.Linear) -> None:
    """Do as :func:`require_prunable` for a layer of this name without its model, on an input of its own.

    A layer with PyTorch's own ``forward``, and no hook before it, needs no trial.
    """
    if type(layer).forward in (nn.Conv2d.forward, nn.Linear.forward) and not layer._forward_pre_hooks:
        return
    probe = {name: weight_layers(module_copy(layer))[""]}
    probe[name]._forward_hooks.clear()  # such as those that keep outputs, which this trial has none of
    masks = _half_zeroed(probe)
    try:
        _require_zeros(probe[name], probe, masks, _input_for(layer))
    except PruneError:
        raise
    except Exception as error:  # the layer's own code, which may raise anything
        raise PruneError(
            f"layer {name!r} ({type(layer).__name__}) fails on an input of its channels "
            f"({type(error).__name__}: {error}), so that what it does with its weight cannot be seen; "
            "expected it in `exclude`"
        ) from error


def _input_for(layer: nn.Conv2d | nn.Linear) -> Tensor:
    if isinstance(layer, nn.Linear):
        shape: tuple[int, ...] = (2, layer.in_features)
    else:
        sizes = zip(layer.kernel_size, layer.dilation, strict=True)
        shape = (2, layer.in_channels, *(dilation * (kernel - 1) + 1 for kernel, dilation in sizes))
    return torch.ones(shape, device=layer.weight.device, dtype=layer.weight.dtype)


@torch.no_grad()
def _half_zeroed(layers: Layers) -> dict[str, Tensor]:
    """Set half of the weights to 0, in place, and return masks that are False there."""
    generator = torch.Generator().manual_seed(0)
    masks = {}
    for name, layer in layers.items():
        masks[name] = torch.rand(layer.weight.shape, generator=generator) < 0.5
        layer.weight.mul_(masks[name].to(layer.weight))
    return masks


def _require_zeros(root: nn.Module, layers: Layers, masks: Mapping[str, Tensor], images: Tensor) -> None:
    for name, calls in _seen(root, layers, images).items():
        pruned = ~masks[name].to(layers[name].weight.device)
        if not all(any(_is_zero(weight, pruned) for weight in call) for call in calls):
            raise PruneError(
                f"layer {name!r} ({type(layers[name]).__name__}) computes with another weight than its "
                "parameter, in which pruned weights are not 0; expected it in `exclude`, or a layer that "
                "uses its parameter as it is"
            )


def _is_zero(weight: Tensor, where: Tensor) -> bool:
    ways = [weight, weight.T] if weight.dim() == 2 else [weight]
    return any(not bool(way.reshape(where.shape)[where].any()) for way in ways)


@torch.no_grad()
def _seen(root: nn.Module, layers: Layers, images: Tensor) -> dict[str, list[list[Tensor]]]:
    """Run ``root`` in inference mode; return, for every call that used a layer's weight, what may be it."""
    watch = _Watch(layers)
    handles = watch.follow()
    try:
        with evaluating(root), watch:
            root(images)
    finally:
        for handle in handles:
            handle.remove()
    for name, layer in layers.items():
        if name in watch.used and not watch.seen[name]:
            raise PruneError(
                f"layer {name!r} ({type(layer).__name__}) uses its weight in a way that cannot be seen, so "
                "that pruned weights may come back; expected it in `exclude`, or a layer that convolves "
                "with it"
            )
    return watch.seen


@dataclass
class _Call:
    """A layer under way.

    Attributes
    ----------
    certain : it was seen in a convolution, or a linear function, with something of its weight's size.
    guesses : operands of products that may be its weight; beside something certain they are something else,
        such as inputs that happen to have that size.
    """

    name: str
    certain: bool = False
    guesses: list[list[Tensor]] = field(default_factory=list)


class _Watch(TorchFunctionMode):
    """Notes what layers compute with in the forward passes within.

    Attributes
    ----------
    seen : by layer, for every call that used its weight, the tensors that may be it.
    used : names of the layers that ran, or whose weight something was computed from.
    """

    def __init__(self, layers: Layers):
        super().__init__()
        self._layers = layers
        self.seen: dict[str, list[list[Tensor]]] = {name: [] for name in layers}
        self.used: set[str] = set()
        self._under_way: list[_Call] = []
        # Parameters alone: a weight that is computed anew leaves its address to other tensors.
        self._parameters = {name: layer._parameters.get("weight") for name, layer in layers.items()}
        self._owners: dict[int, list[str]] = {}  # several where a weight is tied
        for name, weight in self._parameters.items():
            if weight is not None:
                self._owners.setdefault(id(weight), []).append(name)

    def follow(self) -> list[RemovableHandle]:
        """Note which layer is under way, until the handles are removed."""
        handles = []
        for name, layer in self._layers.items():
            start = layer.register_forward_pre_hook(lambda *_, name=name: self._start(name), prepend=True)
            handles += [start, layer.register_forward_hook(lambda *_: self._end(), always_call=True)]
        return handles

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        result = func(*args, **kwargs)
        name = getattr(func, "__name__", "")
        if name in _WITH_WEIGHT:
            self._note([args[1] if len(args) > 1 else kwargs["weight"]], certain=True)
        elif name in _PRODUCTS:
            operands = [value for value in (*args, *kwargs.values()) if isinstance(value, Tensor)]
            self._note(operands, certain=False)
        elif isinstance(result, Tensor):
            self.used.update(*(self._owners_of(value) for value in args))
        return result

    def _start(self, name: str) -> None:
        self.used.add(name)
        self._under_way.append(_Call(name))

    def _end(self) -> None:
        call = self._under_way.pop()
        if not call.certain:
            self.seen[call.name] += call.guesses

    def _owners_of(self, value: Any) -> list[str]:
        """Return the layers whose weight ``value`` is: of those that share it, the one under way, if any."""
        owners = self._owners.get(id(value), [])
        current = [call.name for call in self._under_way[-1:]]
        return current if set(current) & set(owners) else owners

    def _note(self, operands: list[Tensor], *, certain: bool) -> None:
        call = self._under_way[-1] if self._under_way else None
        for value in operands:
            if owners := self._owners_of(value):
                for name in owners:
                    self.seen[name].append([value])
                if call is not None and call.name in owners:
                    call.certain |= certain
                return
        if call is None:
            return
        size = self._layers[call.name].weight.numel()
        if fitting := [value for value in operands if value.numel() == size]:
            call.certain |= certain
            (self.seen[call.name] if certain else call.guesses).append(fitting)

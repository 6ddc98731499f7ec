"""The channel-pruning baseline: whole channels go, by the library Torch-Pruning, in the same frame."""

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from types import ModuleType

import torch
from torch import Tensor, nn

from crisp_sw.modules.modes import evaluating
from crisp_sw.modules.wrappers import module_copy
from crisp_sw.prune.errors import PruneError, UnreachableSparsityError
from crisp_sw.prune.layers.exclusions import excluded_layers, weight_layers
from crisp_sw.prune.layers.layer_roles import output_layer
from crisp_sw.prune.layers.never_pruned import other_layers
from crisp_sw.prune.layers.prunable_layers import require_any
from crisp_sw.prune.methods.registry import register_run
from crisp_sw.prune.pattern.reachable_sparsity import rounded_down
from crisp_sw.prune.run.progress import ProgressCallback
from crisp_sw.prune.run.report import LayerReport, PruneReport, PruneResult
from crisp_sw.prune.run.run_loop import RunLoop
from crisp_sw.prune.settings.methods import ChannelPruning
from crisp_sw.prune.settings.schedule import target_sparsities
from crisp_sw.prune.tuning.inference import as_input, device_of
from crisp_sw.prune.tuning.master_weights import give_types_of, master_copy
from crisp_sw.prune.tuning.random_streams import Stream, seeded, stream_seed
from crisp_sw.prune.tuning.saliency import accumulate_gradients
from crisp_sw.prune.tuning.samples import ClassSamples

RATIO_STEPS = 256
"""Channel ratios are tried in steps of 1/256 of a layer's channels."""


def load_torch_pruning() -> ModuleType:
    """Return the library.

    Raises
    ------
    PruneError : it is not installed.
    """
    try:
        import torch_pruning
    except ImportError as error:
        raise PruneError(
            "method 'channel' needs the library Torch-Pruning, which is not installed; expected it from the "
            "extra `baselines`: pip install 'crisp-stc[baselines]'"
        ) from error
    return torch_pruning


@register_run(ChannelPruning)
class ChannelRun(RunLoop):
    """Removes channels of all layers alike until ``settings.sparsity`` of all weights are gone.

    Dependent layers lose channels together (Fang et al. 2023, "DepGraph: towards any structural pruning"); a
    group's importance is the library's: class-aware (Molchanov et al. 2019), magnitude, or random. The
    classifier keeps its outputs, and layers that the settings leave dense keep all their weights. Momentum
    starts anew after every step, as the parameters are others then.
    Parameters as of :func:`crisp_sw.prune.prune_for_classes`.

    Raises
    ------
    PruneError : the library is not installed, no layer is left, or it cannot be told which layer is the
        classifier.
    UnreachableSparsityError : too much is left when the narrowest layer is down to one channel.
    """

    def __init__(
        self,
        model: nn.Module,
        samples: ClassSamples,
        settings: ChannelPruning,
        teacher: nn.Module | None,
        on_progress: ProgressCallback,
    ):
        super().__init__(model, samples, settings, teacher, on_progress)
        self.library = load_torch_pruning()
        self.dense = excluded_layers(model, settings.layers)
        weights = layer_weights(model)
        self.weights = {name: count for name, count in weights.items() if name not in self.dense}
        require_any(self.weights, self.dense)
        self.classifier = output_layer(model, otherwise="another method than 'channel'")
        self._use(master_copy(model))

    def prune_to(self, target: float) -> None:
        self._use(self._pruned_to(target))

    def sparsity(self) -> float:
        return 1 - self._left(self.model) / sum(self.weights.values())

    def restore(self) -> None:
        shrink(self.model, self.file.weights())
        self._use(self.model)
        super().restore()

    def complete(self, state_dir: str | Path | None, *, resume: bool, keep_state: bool) -> PruneResult:
        """Return a model with smaller layers, and no patterns: the hardware runs it dense."""
        self.run(target_sparsities(self.settings, start=0.0), state_dir, resume=resume)
        self.finish(keep_state=keep_state)
        report = PruneReport(
            settings=self.settings, layers=tuple(self._layer_reports()), iterations=self.history()
        )
        model = self.model.to(memory_format=torch.contiguous_format)  # pyright: ignore[reportCallIssue]
        give_types_of(self.original, model)
        return PruneResult(model=model, patterns={}, report=report)

    def _layer_reports(self) -> Iterator[LayerReport]:
        kept, others, kept_others = (
            layer_weights(self.model),
            other_layers(self.original),
            other_layers(self.model),
        )
        for name, _ in self.original.named_modules():
            if name in self.weights:
                yield LayerReport(name=name, weights=self.weights[name], kept_weights=kept[name])
            elif name in kept:
                yield LayerReport.dense(name, kept[name], self.dense[name])
            elif name in others:
                # The target does not count them, but they may lose channels with their neighbours.
                yield LayerReport(
                    name=name,
                    weights=others[name].weights,
                    kept_weights=kept_others[name].weights,
                    dense_reason=self.dense.get(name, others[name].reason),
                )

    def _use(self, model: nn.Module) -> None:
        self.model = model.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
        self.tuner = self.new_tuner()

    def _pruned_to(self, target: float) -> nn.Module:
        """Return a copy with as few channels removed, in steps of the ratio, as reach ``target``."""
        gradients = self._gradients()
        allowed = (1 - target) * sum(self.weights.values()) + 1e-6

        def reaches(step: int) -> bool:
            return self._left(self._without(step / RATIO_STEPS, gradients)) <= allowed

        # The library leaves a layer whole that would lose all channels.
        steps = int((1 - 1 / self._narrowest()) * RATIO_STEPS) + 1
        step = bisect_left(range(steps), True, key=reaches)
        if step == steps:
            left = self._left(self._without((steps - 1) / RATIO_STEPS, gradients))
            raise UnreachableSparsityError(
                f"`sparsity` {target:g} cannot be reached by removing channels: the nearest is "
                f"{rounded_down(1 - left / sum(self.weights.values())):g}; expected at most that"
            )
        return self._without(step / RATIO_STEPS, gradients)

    def _narrowest(self) -> int:
        """Return the output channels of the narrowest layer that can lose some, as the model stands."""
        fixed = {*self.whole, self.classifier}
        layers = weight_layers(self.model).items()
        return min((layer.weight.shape[0] for name, layer in layers if name not in fixed), default=1)

    def _left(self, model: nn.Module) -> int:
        """Return how many of the weights that count towards the target ``model`` has."""
        return sum(count for name, count in layer_weights(model).items() if name in self.weights)

    @cached_property
    def whole(self) -> frozenset[str]:
        """The layers that keep all outputs, because they, or layers that read them, are to stay dense."""
        if not self.dense:
            return frozenset()
        model = master_copy(self.original).eval().requires_grad_(True)
        names = {module: name for name, module in model.named_modules()}
        graph = self.library.DependencyGraph().build_dependency(model, self._example(model))
        whole = set(self.dense)
        for group in graph.get_all_groups():
            members = [(names.get(dependency.target.module), dependency.handler) for dependency, _ in group]
            if any(name in self.dense for name, _ in members):
                whole |= {name for name, cut in members if name and graph.is_out_channel_pruning_fn(cut)}
        return frozenset(whole)

    def _example(self, model: nn.Module) -> Tensor:
        return as_input(self.samples.normalised(torch.arange(1)), model)

    def _without(self, ratio: float, gradients: dict[str, Tensor]) -> nn.Module:
        """Return a copy of the model as it stands, without ``ratio`` of the channels of every layer."""
        pruned = module_copy(self.model)
        for name, parameter in _real_parameters(pruned).items():
            parameter.requires_grad_(True)
            parameter.grad = gradients.get(name)
        seed = stream_seed(self.settings.training.seed, Stream.SALIENCY, self.state.iteration)
        with evaluating(pruned), seeded(device_of(pruned), seed):
            pruner = self.library.pruner.BasePruner(
                pruned,
                self._example(pruned),
                importance=self._importance(),
                pruning_ratio=ratio,
                ignored_layers=[*map(pruned.get_submodule, {*self.whole, self.classifier})],
            )
            pruner.step()
        pruned.zero_grad(set_to_none=True)
        for name, parameter in self.model.named_parameters():
            pruned.get_parameter(name).requires_grad_(parameter.requires_grad)
        return pruned

    def _importance(self) -> object:
        importance = self.library.importance
        kinds = {
            "class-aware": importance.GroupTaylorImportance,
            "magnitude": importance.GroupMagnitudeImportance,
            "random": importance.RandomImportance,
        }
        return kinds[self.settings.scoring.saliency]()

    def _gradients(self) -> dict[str, Tensor]:
        if self.settings.scoring.saliency != "class-aware":
            return {}
        return accumulate_gradients(
            self.model,
            _real_parameters(self.model),
            self.samples,
            self.settings.scoring,
            self.settings.training,
        )


def _real_parameters(model: nn.Module) -> dict[str, nn.Parameter]:
    return {name: value for name, value in model.named_parameters() if value.is_floating_point()}


def layer_weights(model: nn.Module) -> dict[str, int]:
    """Return the number of weights of every Conv2d and Linear layer, by name."""
    return {name: layer.weight.numel() for name, layer in weight_layers(model).items()}


def shrink(model: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Give the layers of ``model`` the sizes of ``weights``, the state dict of a copy with fewer channels.

    Conv2d, Linear and BatchNorm layers take new parameters and buffers, with the values of ``weights``.
    """
    for name, value in weights.items():
        owner, _, leaf = name.rpartition(".")
        module = model.get_submodule(owner)
        if leaf in module._parameters:
            old = getattr(module, leaf)
            module._parameters[leaf] = nn.Parameter(value.to(old.device), old.requires_grad)
        else:
            module._buffers[leaf] = value.to(getattr(module, leaf).device)
        if leaf == "weight":
            _state_sizes(module, value)


def _state_sizes(module: nn.Module, weight: Tensor) -> None:
    """Set the attributes of a layer that repeat the shape of its weight."""
    if isinstance(module, nn.Conv2d):
        if module.groups == module.out_channels:  # depthwise
            module.groups = weight.shape[0]
        module.out_channels, module.in_channels = weight.shape[0], weight.shape[1] * module.groups
    elif isinstance(module, nn.Linear):
        module.out_features, module.in_features = weight.shape
    elif isinstance(module, nn.modules.batchnorm._BatchNorm):
        module.num_features = len(weight)

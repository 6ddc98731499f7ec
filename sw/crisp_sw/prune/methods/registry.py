"""What handles the settings of a method, found by their class.

A method that masks weights registers how it chooses them, and shares everything else::

    @register_selection(RandomPruning)
    class RandomSelection:
        def __init__(self, layers: Mapping[str, MaskedLayer], settings: RandomPruning): ...

Any other registers a run of its own, such as one that makes layers smaller. What is registered for a class
handles its subclasses, too, unless they have a handler of their own.
"""

from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, TypeVar

from torch import Tensor, nn

from crisp_sw.prune.errors import PruneError
from crisp_sw.prune.masks.masked_layer import MaskedLayer
from crisp_sw.prune.run.progress import ProgressCallback
from crisp_sw.prune.run.report import PruneResult
from crisp_sw.prune.settings.prune_settings import PruneSettings
from crisp_sw.prune.tuning.samples import ClassSamples


class Selection(Protocol):
    """Chooses masks; all state that it needs between steps is in the masks themselves."""

    def require_reachable(self, sparsity: float) -> None:
        """Raise UnreachableSparsityError, naming the nearest, unless any saliency allows ``sparsity``."""
        ...

    @property
    def start_sparsity(self) -> float:
        """Sparsity of the pattern before any weight is pruned for its saliency: that of N:M alone, or 0."""
        ...

    def select(self, saliency: Mapping[str, Tensor], sparsity: float) -> None:
        """Set the masks of all layers by their ``saliency``, in the weight's shape, to reach ``sparsity``."""
        ...


class Run(Protocol):
    """One pruning run, with arguments that were checked."""

    def complete(self, state_dir: str | Path | None, *, resume: bool, keep_state: bool) -> PruneResult:
        """Run to the end; parameters as of :func:`crisp_sw.prune.prune_for_classes`."""
        ...


SelectionMaker = Callable[[Mapping[str, MaskedLayer], Any], Selection]
RunMaker = Callable[[nn.Module, ClassSamples, Any, nn.Module | None, ProgressCallback], Run]

Maker = TypeVar("Maker", bound=Callable[..., Any])

_SELECTIONS: dict[type[PruneSettings], SelectionMaker] = {}
_RUNS: dict[type[PruneSettings], RunMaker] = {}


def register_selection(settings: type[PruneSettings]) -> Callable[[Maker], Maker]:
    """Let what is decorated choose the masks for ``settings``: a class, or a function that makes a selection.

    It is called with the layers by name and the settings.
    """
    return _registration(_SELECTIONS, settings)


def register_run(settings: type[PruneSettings]) -> Callable[[Maker], Maker]:
    """Let what is decorated run a method: a class, or a function that makes a run.

    It is called with model, samples, settings, teacher and callback, as of
    :func:`crisp_sw.prune.prune_for_classes`.
    """
    return _registration(_RUNS, settings)


def selection_for(layers: Mapping[str, MaskedLayer], settings: PruneSettings) -> Selection:
    """Return what chooses the masks of ``layers``.

    Raises
    ------
    PruneError : nothing is registered for the class of the settings.
    """
    maker = _handler(_SELECTIONS, settings)
    if maker is None:
        raise PruneError(
            f"nothing chooses masks for {type(settings).__name__}; expected `register_selection` for it"
        )
    return maker(layers, settings)


def run_maker(settings: PruneSettings) -> RunMaker:
    """Return what makes runs with ``settings``.

    Raises
    ------
    PruneError : nothing is registered for the class of the settings.
    """
    maker = _handler(_RUNS, settings)
    if maker is None:
        raise PruneError(f"nothing runs {type(settings).__name__}; expected `register_run` for it")
    return maker


def _registration(
    handlers: dict[type[PruneSettings], Any], settings: type[PruneSettings]
) -> Callable[[Maker], Maker]:
    def register(maker: Maker) -> Maker:
        handlers[settings] = maker
        return maker

    return register


def _handler(handlers: dict[type[PruneSettings], Maker], settings: PruneSettings) -> Maker | None:
    import_module("crisp_sw.prune.methods.built_in")  # only now, as its methods register here
    return next((handlers[kind] for kind in type(settings).__mro__ if kind in handlers), None)

"""Methods from outside of the package: declared by a class, registered, and used like any other."""

from collections.abc import Mapping
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from crisp_sw.flows.steps.prune_settings import prune_settings
from crisp_sw.prune import (
    CrispSparsifier,
    DenseFineTuning,
    MaskedPruning,
    PruneError,
    PruneReport,
    PruneResult,
    PruneSettings,
    prune_for_classes,
    prune_methods,
    register_run,
    register_selection,
    settings_of,
)
from crisp_sw.prune.masks.masked_layer import MaskedLayer
from crisp_sw.prune.settings import prune_settings as named_methods


@pytest.fixture
def other_methods(monkeypatch) -> None:
    """Names that are given within are free again afterwards."""
    prune_methods()
    monkeypatch.setattr(named_methods, "_METHODS", dict(named_methods._METHODS))


def declare_stripes() -> type[MaskedPruning]:
    """A method in full, as its author writes it: every ``period``-th weight goes, whatever is salient."""

    @dataclass(frozen=True, kw_only=True)
    class StripePruning(MaskedPruning, method="stripes"):
        """Every ``period``-th weight goes."""

        period: int = 2

    @register_selection(StripePruning)
    class StripeSelection:
        start_sparsity = 0.0

        def __init__(self, layers: Mapping[str, MaskedLayer], settings: StripePruning):
            self._layers, self._period = layers, settings.period

        def require_reachable(self, sparsity: float) -> None:
            if sparsity > 1 / self._period:
                raise PruneError(f"stripes reach {1 / self._period:g}, not {sparsity:g}")

        def select(self, saliency: Mapping[str, Tensor], sparsity: float) -> None:
            for layer in self._layers.values():
                places = torch.arange(layer.weights).reshape(layer.weight.shape)
                layer.set_mask(places % self._period != 0)

    return StripePruning


def test_method_from_outside_prunes(mixed_net, samples, other_methods):
    kind = declare_stripes()
    settings = kind.of(period=4, sparsity=0.25, block=8, iterations=1, final_epochs=1, batch_size=32)
    result = prune_for_classes(mixed_net, samples, settings)
    weight = result.model.get_parameter("conv.weight").flatten()
    assert not weight[::4].any()
    assert bool(weight.reshape(-1, 4)[:, 1:].all())
    assert result.report.sparsity == 0.25
    assert result.report.to_json()["settings"]["period"] == 4


def test_method_from_outside_has_a_name_in_files_and_options(other_methods, tmp_path):
    kind = declare_stripes()
    path = tmp_path / "pruning.toml"
    path.write_text('method = "stripes"\nperiod = 3\nrank_score = "sum"\nsparsity = 0.3\n')
    assert prune_settings(path, {"seed": 2}) == kind.of(period=3, sparsity=0.3, seed=2)
    with pytest.raises(PruneError, match="`n` 2 has no effect on the method 'stripes'"):
        prune_settings(path, {"n": 2})
    with pytest.raises(PruneError, match=r"`method` must be one of crisp, .*, stripes, not 'magic'"):
        settings_of(method="magic")


def test_method_from_outside_masks_for_another_s_training_loop(mixed_net, samples, other_methods):
    declare_stripes()
    sparsifier = CrispSparsifier(method="stripes", period=2, sparsity=0.5, block=8, saliency="magnitude")
    sparsifier.prepare(mixed_net)
    sparsifier.step()
    assert sparsifier.sparsity() == 0.5
    functional.cross_entropy(mixed_net(samples.normalised(torch.arange(4))), samples.labels[:4]).backward()


def test_method_may_have_a_run_of_its_own(mixed_net, samples, other_methods):
    @dataclass(frozen=True, kw_only=True)
    class NothingPruned(PruneSettings, method="nothing"): ...

    @register_run(NothingPruned)
    class Nothing:
        def __init__(self, model, samples, settings, teacher, on_progress):
            self._model, self._settings = model, settings

        def complete(self, state_dir, *, resume, keep_state) -> PruneResult:
            report = PruneReport(settings=self._settings, layers=(), iterations=())
            return PruneResult(model=self._model, patterns={}, report=report)

    result = prune_for_classes(mixed_net, samples, NothingPruned.of(batch_size=16))
    assert torch.equal(result.model.get_parameter("conv.weight"), mixed_net.conv.weight)


def test_method_of_a_subclass_is_handled_like_its_base(mixed_net, samples, other_methods):
    @dataclass(frozen=True, kw_only=True)
    class LongFineTuning(DenseFineTuning, method="dense-long"): ...

    result = prune_for_classes(mixed_net, samples, LongFineTuning.of(iterations=1, final_epochs=0))
    assert result.report.sparsity == 0.0


def test_methods_without_a_handler_are_refused(mixed_net, samples, other_methods):
    @dataclass(frozen=True, kw_only=True)
    class Unhandled(MaskedPruning, method="unhandled"): ...

    @dataclass(frozen=True, kw_only=True)
    class WithoutRun(PruneSettings, method="without-run"): ...

    with pytest.raises(PruneError, match="nothing chooses masks for Unhandled; expected `register_sel"):
        prune_for_classes(mixed_net, samples, Unhandled.of(batch_size=16, block=8))
    with pytest.raises(PruneError, match="nothing runs WithoutRun; expected `register_run` for it"):
        prune_for_classes(mixed_net, samples, WithoutRun.of(batch_size=16))


def test_a_name_is_given_once(other_methods):
    with pytest.raises(PruneError, match="the method 'crisp' is CrispPruning already; expected another name"):

        @dataclass(frozen=True, kw_only=True)
        class Other(PruneSettings, method="crisp"): ...

    declare_stripes()
    declare_stripes()  # the same class again, as a notebook runs a cell twice


def test_settings_of_no_method():
    with pytest.raises(PruneError, match="MaskedPruning are settings of no method; expected one of CrispPr"):
        MaskedPruning()

"""Activation ranges: min-max, percentile and least squared error."""

import pytest
import torch

from crisp_sw.quantize.affine import Affine
from crisp_sw.quantize.ranges import CalibrationError, Observer


def test_min_max_covers_all_batches():
    observer = Observer()
    observer.update(torch.tensor([0.5, 2.0]))
    observer.update(torch.tensor([-1.0, 0.0]))
    assert observer.choose("minmax") == Affine.from_range(-1.0, 2.0)


def test_percentile_and_mse_leave_an_outlier_out():
    torch.manual_seed(0)
    observer = Observer()
    values = torch.cat([torch.rand(20_000), torch.tensor([40.0])])
    observer.update(values)
    scales = {method: observer.choose(method, 99.9).scale for method in ("minmax", "percentile", "mse")}
    assert scales["percentile"] == pytest.approx(1 / 255, rel=0.01)
    assert scales["mse"] < scales["minmax"]


@pytest.mark.parametrize("sample_size", [1 << 16, 100])
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_percentile_of_values_that_are_nearly_all_zero(sample_size, sign):
    values = torch.zeros(60_000)
    values[7::20_000] = sign * torch.tensor([4.0, 3.0, 5.0])
    observer = Observer()
    observer.update(values, sample_size=sample_size)
    assert observer.choose("percentile", 99.9) == Affine.from_range(*sorted((0.0, sign * 5.0)))


def test_percentile_of_few_values_among_zeros_leaves_their_outlier_out():
    values = torch.zeros(1_000_000)
    values[:2000] = torch.linspace(1.0, 2.0, 2000)
    values[0] = 1000.0
    observer = Observer()
    observer.update(values, sample_size=len(values))
    assert observer.choose("percentile", 99.0).scale == pytest.approx(2 / 255, rel=0.01)


def test_mse_is_never_worse_than_min_max():
    torch.manual_seed(1)
    for spread in (0.1, 1.0, 10.0):
        observer, values = Observer(), torch.randn(5000).exp() * spread
        observer.update(values)
        errors = [(observer.choose(m).quantize(values) - values).square().mean() for m in ("mse", "minmax")]
        assert errors[0] <= errors[1]


def test_a_large_batch_is_sampled_but_its_extremes_are_kept():
    values = torch.zeros(100_000)
    values[12_345] = 3.0
    observer = Observer()
    observer.update(values, sample_size=1000)
    assert sum(len(sample) for sample in observer.samples) <= 1001
    assert observer.choose("minmax") == Affine.from_range(0.0, 3.0)


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), float("-inf")])
def test_values_that_are_not_finite_are_refused(bad):
    with pytest.raises(CalibrationError, match="must be finite"):
        Observer().update(torch.tensor([0.0, bad]))


def test_unknown_method_is_refused():
    with pytest.raises(
        CalibrationError, match="no range method 'kl'; expected one of minmax, percentile, mse"
    ):
        Observer(0.0, 1.0).choose("kl")  # pyright: ignore[reportArgumentType]


def test_nothing_to_observe():
    with pytest.raises(CalibrationError, match=r"must be values to observe, not \[0, 3\]"):
        Observer().update(torch.empty(0, 3))

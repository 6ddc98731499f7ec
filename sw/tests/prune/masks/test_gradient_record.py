"""Each gradient is taken once, whatever a training loop does with `grad`."""

import copy

import pytest
import torch
from torch import nn
from torch.amp.grad_scaler import GradScaler
from torch.nn import functional

from crisp_sw.prune import SaliencyError
from crisp_sw.prune.masks.gradient_record import GradientRecord
from sw.tests.prune.sparsifying import backward, prepared

INPUTS = torch.tensor([[1.0, 2.0], [3.0, -4.0]])


class Watched(nn.Linear):
    """Linear whose weight is watched."""

    def __init__(self, *, trained: bool):
        super().__init__(2, 1, bias=False)
        self.weight.requires_grad_(trained)
        self.record = GradientRecord()

    def forward(self, x):
        masked = self.weight * 1.0
        self.record.watch(self.weight, masked)
        return functional.linear(x, masked)

    def backward(self, row: int) -> None:
        self(INPUTS[row]).sum().backward()

    def take(self) -> list[float] | None:
        gradient = self.record.take(self.weight)
        return None if gradient is None else gradient.flatten().tolist()


@pytest.mark.parametrize("trained", [True, False])
def test_earlier_micro_batches_are_not_taken_again(trained):
    layer = Watched(trained=trained)
    assert layer.take() is None
    layer.backward(0)
    assert layer.take() == [1.0, 2.0]
    assert layer.take() is None
    layer.backward(1)
    assert layer.take() == [3.0, -4.0]
    layer.backward(0)
    layer.backward(1)
    assert layer.take() == [4.0, -2.0]


@pytest.mark.parametrize("set_to_none", [True, False])
def test_zeroed_gradients_are_gone(set_to_none):
    layer = Watched(trained=True)
    layer.backward(0)
    assert layer.take() == [1.0, 2.0]
    layer.zero_grad(set_to_none=set_to_none)
    layer.backward(1)
    layer.zero_grad(set_to_none=set_to_none)
    layer.backward(1)
    assert layer.take() == [3.0, -4.0]


def test_gradient_set_by_hand_is_taken_once():
    layer = Watched(trained=True)
    layer.weight.grad = torch.tensor([[5.0, 6.0]])
    assert layer.take() == [5.0, 6.0]
    assert layer.take() is None


def test_gradients_by_hand_replace_earlier_ones():
    layer = Watched(trained=True)
    layer.backward(0)
    assert layer.take() == [1.0, 2.0]
    (layer.weight.grad,) = torch.autograd.grad(layer(INPUTS[1]).sum(), [layer.weight])
    assert layer.take() == [3.0, -4.0]


def test_sums_that_can_be_differentiated_hold_what_was_there():
    layer = Watched(trained=True)
    layer.backward(0)
    assert layer.take() == [1.0, 2.0]
    layer(INPUTS[1]).square().sum().backward(create_graph=True)
    output = float(layer(INPUTS[1]))
    assert layer.take() == pytest.approx([2 * output * 3.0, 2 * output * -4.0])


def test_batch_that_is_skipped_leaves_nothing_to_take_off():
    layer = Watched(trained=True)
    layer.backward(0)
    assert layer.take() == [1.0, 2.0]
    layer.backward(0)
    layer.zero_grad()
    layer.backward(1)
    assert layer.take() == [3.0, -4.0]


def test_evaluation_without_gradients_notes_nothing():
    layer = Watched(trained=False)
    with torch.no_grad():
        assert not layer(INPUTS).requires_grad
    assert layer.take() is None


def accumulated(model, samples, *, micro_batches: bool):
    """Gradients gathered over three batches, which stay in `grad` or are zeroed in between."""
    sparsifier = prepared(model.eval())
    model.zero_grad()
    for index in torch.arange(len(samples)).chunk(3):
        if not micro_batches:
            model.zero_grad()
        functional.cross_entropy(model(samples.normalised(index)), samples.labels[index]).backward()
        sparsifier.accumulate()
    return {name: values["gradient"] for name, values in sparsifier.state.items()}


def test_micro_batches_count_as_batches_do(mixed_net, samples):
    twin = copy.deepcopy(mixed_net)
    whole = accumulated(mixed_net, samples, micro_batches=False)
    for name, gradient in accumulated(twin, samples, micro_batches=True).items():
        # What is added to a sum and taken off again is rounded.
        torch.testing.assert_close(gradient, whole[name], rtol=1e-4, atol=1e-6)


def scaled_run(model, samples, scales):
    sparsifier = prepared(model.eval())
    for scale, index in zip(scales, torch.arange(len(samples)).chunk(len(scales)), strict=True):
        scaler = GradScaler("cpu", init_scale=scale)
        model.zero_grad()
        loss = functional.cross_entropy(model(samples.normalised(index)), samples.labels[index])
        scaler.scale(loss).backward()
        sparsifier.accumulate(scaler)
    return sparsifier


def test_scale_of_the_loss_is_no_saliency(mixed_net, samples):
    nets = [copy.deepcopy(mixed_net) for _ in range(2)]
    plain, scaled = (
        scaled_run(net, samples, scales)
        for net, scales in zip(nets, [(1.0, 1.0, 1.0), (2.0, 65536.0, 4.0)], strict=True)
    )
    for name, values in plain.state.items():
        assert torch.equal(values["gradient"], scaled.state[name]["gradient"])


def test_scaler_that_is_off_changes_nothing(mixed_net, samples):
    backward(mixed_net, samples)
    sparsifier = prepared(mixed_net)
    backward(mixed_net, samples)
    sparsifier.accumulate(GradScaler("cpu", enabled=False))
    gradient = sparsifier.layers["conv"].weight.grad
    assert gradient is not None
    assert torch.equal(sparsifier.state["conv.weight"]["gradient"], gradient.abs())


def test_batch_that_overflows_is_left_out_as_the_scaler_does(mixed_net, samples):
    sparsifier = prepared(mixed_net)
    for scaler in (GradScaler("cpu"), None):
        backward(mixed_net, samples)
        gradient = sparsifier.layers["pointwise"].weight.grad
        assert gradient is not None
        gradient[0] = float("inf")
        if scaler is None:
            with pytest.raises(SaliencyError, match="the gradient of 'pointwise' is NaN or infinite"):
                sparsifier.accumulate()
        else:
            sparsifier.accumulate(scaler)
        assert not any("gradient" in values for values in sparsifier.state.values())

"""The fused float network runs layer by layer and forgets what nobody reads any more."""

import gc
import itertools
import weakref

import torch

from crisp_sw.quantize.lowering.float_network import (
    Activation,
    FloatAveragePool,
    FloatConv,
    FloatMaxPool,
    FloatNetwork,
)


def test_activations():
    x = torch.tensor([-1.0, 3.0, 9.0])
    assert Activation.NONE(x).tolist() == [-1, 3, 9]
    assert Activation.RELU(x).tolist() == [0, 3, 9]
    assert Activation.RELU6(x).tolist() == [0, 3, 6]


def chain(length: int) -> FloatNetwork:
    names = ["input", *(f"pool{i}" for i in range(length))]
    layers = [FloatMaxPool(name, [source], 1, 1) for source, name in itertools.pairwise(names)]
    return FloatNetwork((1, 4, 4), [*layers])


def test_tensors_are_freed_after_their_last_reader():
    alive: list[weakref.ref] = []
    most = 0
    for _, tensor in chain(8).walk(torch.zeros(1, 1, 4, 4)):
        alive.append(weakref.ref(tensor))
        del tensor
        gc.collect()
        most = max(most, sum(ref() is not None for ref in alive))
    assert len(alive) == 9
    assert most <= 4


def test_residual_average_and_shapes():
    weight = torch.eye(2).reshape(2, 2, 1, 1)
    conv = FloatConv("c", ["input", "input"], weight, torch.tensor([1.0, -9.0]), activation=Activation.RELU)
    network = FloatNetwork((2, 3, 3), [conv, FloatAveragePool("a", ["c"])])
    assert network.run(torch.ones(1, 2, 3, 3)).tolist() == [[3.0, 0.0]]
    assert conv.out_shape((2, 3, 3)) == (2, 3, 3)
    assert FloatAveragePool("a", ["c"]).out_shape((2, 3, 3)) == (2, 1, 1)
    assert FloatMaxPool("m", ["c"], 3, 2, 1).out_shape((2, 7, 5)) == (2, 4, 3)

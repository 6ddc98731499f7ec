"""Programs that are compiled once."""

from dataclasses import replace

import numpy as np
import pytest

from crisp_golden.arithmetic.network import Node, QuantizedConv, QuantizedNetwork
from crisp_sw.flows.program_run import program_cache
from crisp_sw.flows.program_run.program_cache import ProgramCache, network_digest
from sw.tests.small_programs import CONFIG, small_network, small_program


@pytest.fixture
def compiled(monkeypatch) -> list[dict[str, bool]]:
    """Options of every compilation that takes place."""
    calls = []

    def compile_network(config, network, **options):
        calls.append(options)
        return small_program(**options)

    monkeypatch.setattr(program_cache, "compile_network", compile_network)
    return calls


def test_the_same_network_is_compiled_once(tmp_path, compiled):
    cache = ProgramCache(tmp_path / "programs", CONFIG)
    images = [cache.compile(small_network()) for _ in range(2)]
    assert images == [small_program(), small_program()]
    assert len(compiled) == 1


def test_other_options_give_other_programs(tmp_path, compiled):
    cache = ProgramCache(tmp_path, CONFIG)
    for options in ({}, {"fuse": False}, {"keep": True}):
        assert cache.compile(small_network(), **options) == small_program(**options)
    assert len(compiled) == 3


def test_a_damaged_program_is_compiled_again(tmp_path, compiled):
    cache = ProgramCache(tmp_path, CONFIG)
    cache.compile(small_network())
    (file,) = tmp_path.glob("*.crisp")
    file.write_bytes(file.read_bytes()[:-3])
    assert cache.compile(small_network()) == small_program()
    assert len(compiled) == 2


def changed_layer(network: QuantizedNetwork, **fields: object) -> QuantizedNetwork:
    first = network.nodes[0]
    assert isinstance(first.layer, QuantizedConv)
    node = Node(layer=replace(first.layer, **fields), inputs=first.inputs)  # pyright: ignore[reportArgumentType]
    return replace(network, nodes=(node, *network.nodes[1:]))


def test_digest_changes_with_whatever_a_program_depends_on():
    network = small_network()
    layer = network.nodes[0].layer
    assert isinstance(layer, QuantizedConv)
    weight = layer.weight.copy()
    weight.flat[0] ^= 1
    changed = [
        changed_layer(network, weight=weight),
        changed_layer(network, bias=layer.bias + np.int32(1)),
        changed_layer(network, q_max=layer.q_max - 1),
        replace(network, nodes=network.nodes[:-1]),
        replace(network, input_shape=(3, 32, 31)),
    ]
    digests = {network_digest(other) for other in (network, *changed)}
    assert len(digests) == 1 + len(changed)
    assert network_digest(changed_layer(network)) == network_digest(network)

"""Names of layers are free: those of an exported file never collide, and come back as they were."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crisp_golden.arithmetic.inference import INPUT
from crisp_golden.arithmetic.network import QuantizedNetwork
from crisp_sw.exchange.onnx import OnnxModelError, export_onnx, import_onnx
from crisp_sw.exchange.onnx.qdq_graph import QdqGraph
from crisp_sw.exchange.onnx.unique_names import UniqueNames
from sw.tests.exchange.onnx.networks import assert_same_arithmetic, quantized, random_qdq_network

# The names that the graph, or the tensors of a layer "x", would like to have.
WANTED = [
    "logits",
    "image",
    "crisp",
    "x",
    "logits_2",
    "input_2",
    "input/scale",
    "graph/image",
    "input/quantize",
]
WANTED += [
    f"x/{part}" for part in ("float", "real", "scale", "zero_point", "weight", "weight/scale", "bias/real")
]
WANTED += [f"x/{part}" for part in ("sum", "relu", "clip", "quantize", "flat", "image", "shape", "highest")]
NAMES = st.sampled_from(WANTED) | st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=5)


def renamed(network: QuantizedNetwork, names: list[str]) -> QuantizedNetwork:
    """The network with its layers called otherwise, in order."""
    new = {INPUT: INPUT, **{node.name: name for node, name in zip(network.nodes, names, strict=True)}}
    nodes = [
        replace(
            node,
            layer=replace(node.layer, name=new[node.name]),
            inputs=tuple(new[name] for name in node.inputs),
        )
        for node in network.nodes
    ]
    scales = {new[name]: scale for name, scale in network.scales.items()}
    return replace(network, nodes=tuple(nodes), scales=scales)


@settings(max_examples=25, deadline=None)
@given(data=st.data(), seed=st.integers(200, 229))
def test_any_names_survive_the_round_trip(data: st.DataObject, seed: int, tmp_path_factory):
    network = random_qdq_network(seed)
    count = len(network.nodes)
    names = data.draw(
        st.lists(NAMES, min_size=count, max_size=count, unique=True).filter(lambda n: INPUT not in n)
    )
    network = renamed(network, names)
    path = tmp_path_factory.mktemp("names") / "net.onnx"
    export_onnx(network, path)
    imported = import_onnx(path).network
    assert [(node.name, node.inputs) for node in imported.nodes] == [
        (node.name, node.inputs) for node in network.nodes
    ]


@pytest.mark.parametrize("name", ["", "\ud800"])
def test_names_that_no_file_can_hold_are_refused(name: str, tmp_path):
    network = random_qdq_network(200)
    others = [f"x{index}" for index in range(len(network.nodes) - 1)]
    with pytest.raises(OnnxModelError, match=r"a layer is called '(\\ud800)?'; expected a Unicode text"):
        export_onnx(renamed(network, [name, *others]), tmp_path / "net.onnx")
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["logits", "image", "x/float"])
def test_a_layer_named_as_the_graphs_own_tensors(name: str, tmp_path):
    network = quantized("small-resnet")
    others = [f"x{index}" for index in range(len(network.nodes) - 2)]
    for names in (["x", *others, name], [name, *others, "x"]):
        again = renamed(network, names)
        export_onnx(again, tmp_path / "net.onnx")
        assert_same_arithmetic(again, import_onnx(tmp_path / "net.onnx").network)


def test_nodes_of_one_name_become_layers_of_two(tmp_path):
    """ONNX allows that, and no name of a layer is that of the image."""
    graph = QdqGraph()
    x = graph.conv(graph.qdq(graph.conv(graph.qdq("image"))))
    graph.finish(graph.conv(graph.qdq(x)))
    convolutions = [node for node in graph.nodes if node.op_type == "Conv"]
    for node, name in zip(convolutions, ("same", "same", INPUT), strict=True):
        node.name = name
    network = import_onnx(graph.save(tmp_path / "net.onnx")).network
    assert [node.name for node in network.nodes] == ["same", "same_2", "input_2"]


def test_a_name_is_given_once():
    names = UniqueNames()
    assert [names.of((key,), "a") for key in "xyx"] == ["a", "a_2", "a"]
    assert names.of(("a", "b")) == "a/b"
    assert names.of(("a/b",)) == "a/b_2"

"""A packed network comes back as it was, small, and never from files that are not whole."""

import hashlib
import json
import os
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load, save

from crisp_files.atomic_directories import OccupiedDirectoryError
from crisp_golden.arithmetic.inference import run_network
from crisp_golden.arithmetic.network import (
    MaxPool,
    Node,
    Pattern,
    QuantizedConv,
    QuantizedNetwork,
    ResidualInput,
)
from crisp_golden.format.hybrid_bytes import CHECKSUM, HEADER
from crisp_spec.errors import LayerError, PatternError
from crisp_sw.exchange.packed import (
    GRAPH_FILE,
    TENSOR_FILE,
    NetworkFileError,
    load_metadata,
    load_network,
    save_network,
)


def conv(name: str, weight: np.ndarray, **options) -> QuantizedConv:
    channels = len(weight)
    return QuantizedConv(
        name=name,
        weight=weight,
        bias=np.arange(channels, dtype=np.int32) - 3,
        multiplier=np.full(channels, 40_000, np.uint16),
        shift=np.full(channels, 22, np.uint8),
        **options,
    )


def sparse_weight(rng: np.random.Generator) -> tuple[np.ndarray, Pattern]:
    """32 x 32 channels, 3x3: 2:4 in three of eighteen block columns of edge 16."""
    mask = np.zeros((2, 18), bool)
    for row in mask:
        row[rng.choice(18, 3, replace=False)] = True
    kept = mask.repeat(16, 0).repeat(16, 1).reshape(32, 3, 3, 32) & (np.arange(32) % 4 < 2)
    weight = rng.integers(1, 127, kept.shape) * kept
    return weight.transpose(0, 3, 1, 2).astype(np.int8), Pattern(n=2, m=4, block=16, block_mask=mask)


@pytest.fixture
def network() -> QuantizedNetwork:
    rng = np.random.default_rng(5)
    weight, pattern = sparse_weight(rng)
    residual = ResidualInput(
        zero_point=4, multiplier=np.full(32, 33_000, np.uint16), shift=np.full(32, 6, np.uint8)
    )
    stem = conv("stem", rng.integers(-9, 10, (32, 3, 3, 3)).astype(np.int8), stride=2, q_min=-5)
    sparse = conv("a.b", weight, padding=(1, 1), residual=residual, pattern=pattern)
    depthwise = rng.integers(-9, 10, (32, 1, 1, 1)).astype(np.int8)
    nodes = (
        Node(layer=stem, inputs=("input",)),
        Node(layer=MaxPool(name="pool", kernel=3, stride=1, padding=1), inputs=("stem",)),
        Node(layer=sparse, inputs=("pool", "stem")),
        Node(layer=conv("depthwise", depthwise, groups=32, x_zero_point=7, y_zero_point=-9), inputs=("a.b",)),
    )
    return QuantizedNetwork(
        nodes=nodes,
        input_shape=(3, 9, 7),
        input_scale=0.0173,
        input_zero_point=11,
        classes=("cat", "d\u00f6g"),
        scales={"stem": 0.25, "a.b": 0.1},
    )


def assert_equal(one: object, two: object) -> None:
    """Field by field, arrays bit for bit, types included."""
    assert type(one) is type(two)
    if isinstance(one, np.ndarray):
        assert isinstance(two, np.ndarray)
        assert one.dtype == two.dtype
        assert one.shape == two.shape
        assert np.array_equal(one, two)
    elif hasattr(one, "__dataclass_fields__"):
        for name in one.__dataclass_fields__:  # pyright: ignore[reportAttributeAccessIssue]
            assert_equal(getattr(one, name), getattr(two, name))
    elif isinstance(one, tuple):
        assert isinstance(two, tuple)
        assert len(one) == len(two)
        for first, second in zip(one, two, strict=True):
            assert_equal(first, second)
    else:
        assert one == two


def test_network_comes_back_bit_for_bit(network, tmp_path):
    save_network(network, tmp_path / "deep" / "net", {"mean": [0.5]})
    assert_equal(load_network(tmp_path / "deep" / "net"), network)
    assert load_metadata(tmp_path / "deep" / "net") == {"mean": [0.5]}
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["net"]


def test_network_without_scales_can_be_read(network, tmp_path):
    save_network(network, tmp_path / "net")
    edit_graph(tmp_path / "net", lambda graph: graph.pop("scales"))
    assert load_network(tmp_path / "net").scales == {}


def test_loaded_network_computes_the_same(network, tmp_path):
    save_network(network, tmp_path / "net")
    x = np.random.default_rng(1).integers(-128, 128, (2, 3, 9, 7)).astype(np.int8)
    one, two = run_network(network, x), run_network(load_network(tmp_path / "net"), x)
    for name, tensor in one.items():
        assert np.array_equal(tensor, two[name])


def test_grouped_layers_are_packed_block_diagonally(tmp_path):
    rng = np.random.default_rng(2)
    weight = rng.integers(-9, 10, (32, 16, 1, 1)).astype(np.int8)
    pattern = Pattern(n=4, m=4, block=16, block_mask=np.eye(2, dtype=bool))
    net = QuantizedNetwork(
        nodes=(Node(layer=conv("g", weight, groups=2, pattern=pattern), inputs=("input",)),),
        input_shape=(32, 2, 2),
        input_scale=1.0,
        input_zero_point=0,
    )
    save_network(net, tmp_path / "net")
    assert_equal(load_network(tmp_path / "net"), net)


def test_pruned_weights_are_stored_packed(network, tmp_path):
    save_network(network, tmp_path / "net")
    tensors = load((tmp_path / "net" / TENSOR_FILE).read_bytes())
    assert "a.b.weight" not in tensors
    # 6 blocks of 128 slots: a byte and 2 bits each, and indices, header and checksum.
    assert tensors["a.b.packed_weight"].nbytes < 6 * 128 * 1.25 + 64
    assert network.nodes[2].layer.weight.nbytes == 9216  # pyright: ignore[reportAttributeAccessIssue]


def test_files_are_the_same_every_time(network, tmp_path):
    save_network(network, tmp_path / "one")
    save_network(network, tmp_path / "two")
    for name in (GRAPH_FILE, TENSOR_FILE):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_saving_replaces_a_network_but_nothing_else(network, tmp_path):
    save_network(network, tmp_path / "net", {"run": 1})
    save_network(network, tmp_path / "net", {"run": 2})
    assert load_metadata(tmp_path / "net") == {"run": 2}
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter1.tex").write_text("precious")
    with pytest.raises(OccupiedDirectoryError, match="thesis exists and is no packed network"):
        save_network(network, tmp_path / "thesis")
    assert (tmp_path / "thesis" / "chapter1.tex").read_text() == "precious"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["net", "thesis"]


def test_layers_that_are_not_legal_are_not_written(network, tmp_path):
    layer = network.nodes[2].layer
    assert isinstance(layer, QuantizedConv)
    broken = layer.weight.copy()
    broken[:, :, 0, 0] = 1
    cases = (
        (replace(layer, weight=broken), PatternError),
        (replace(layer, shift=np.zeros(32, np.uint8)), LayerError),
    )
    for bad, error in cases:
        net = replace(network, nodes=(*network.nodes[:2], Node(layer=bad, inputs=("pool", "stem"))))
        with pytest.raises(error):
            save_network(net, tmp_path / "net")
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def saved(network, tmp_path) -> Path:
    save_network(network, tmp_path / "net")
    return tmp_path / "net"


def edit_graph(directory: Path, change) -> None:
    graph = json.loads((directory / GRAPH_FILE).read_text())
    change(graph)
    (directory / GRAPH_FILE).write_text(json.dumps(graph))


def edit_tensors(directory: Path, change) -> None:
    """Change the arrays and keep size and checksum in step, as an attacker or a buggy writer would."""
    tensors = load((directory / TENSOR_FILE).read_bytes())
    change(tensors)
    data = save(tensors)
    (directory / TENSOR_FILE).write_bytes(data)
    checksum = {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    edit_graph(directory, lambda graph: graph.update(tensors=checksum))


@pytest.mark.parametrize("name", [GRAPH_FILE, TENSOR_FILE])
def test_absent_file(saved, name):
    (saved / name).unlink()
    with pytest.raises(NetworkFileError, match=f"{name}: cannot be read"):
        load_network(saved)


def test_truncated_files(saved):
    data = (saved / TENSOR_FILE).read_bytes()
    for length in (0, 7, len(data) // 2, len(data) - 1):
        (saved / TENSOR_FILE).write_bytes(data[:length])
        with pytest.raises(NetworkFileError, match=f"{length} bytes; expected {len(data)}"):
            load_network(saved)
    text = (saved / GRAPH_FILE).read_bytes()
    (saved / GRAPH_FILE).write_bytes(text[:-20])
    with pytest.raises(NetworkFileError, match="not valid JSON"):
        load_network(saved)


def test_one_altered_bit(saved):
    data = bytearray((saved / TENSOR_FILE).read_bytes())
    data[-5] ^= 4
    (saved / TENSOR_FILE).write_bytes(data)
    with pytest.raises(NetworkFileError, match="altered or damaged; expected SHA-256"):
        load_network(saved)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda g: g.update(version=2), "version 2; expected version 1"),
        (lambda g: g.update(format="onnx"), "expected the format 'crisp-network'"),
        (lambda g: g.pop("tensors"), "entry 'tensors' must have"),
        (lambda g: g.pop("nodes"), "'nodes' is missing"),
        (lambda g: g["nodes"][0].pop("stride"), "'stride' is missing"),
        (lambda g: g["nodes"][0].update(stride=1.5), "1.5 is not an integer"),
        (lambda g: g["nodes"][0].update(stride=0), "stride must be at least 1, not 0"),
        (lambda g: g["nodes"][0].update(kind="lstm"), "kind 'lstm', expected conv or max_pool"),
        (
            lambda g: g["nodes"][0].update(inputs=["nothing"]),
            "stem: reads 'nothing', which no earlier node makes",
        ),
        (lambda g: g["nodes"][0].update(padding=[1]), "not a legal network"),
        (lambda g: g["nodes"][1].update(name="stem"), "two tensors of the network are named 'stem'"),
        (lambda g: g["nodes"][2].update(groups=3), "groups must divide 32"),
        (lambda g: g.update(nodes="all"), "not a legal network"),
        (lambda g: g["input"].update(shape=[1, 2]), "not a legal network"),
        (lambda g: g["scales"].update(stem=-1.0), "scale of 'stem' must be positive and finite, not -1.0"),
        (lambda g: g["scales"].update(stem="big"), "must be positive and finite, not 'big'"),
        (lambda g: g["input"].update(shape=[1.5, 8, 8]), "1.5 is not an integer"),
        (lambda g: g["input"].update(scale=float("nan")), "of 'input' must be positive and finite, not nan"),
        (lambda g: g["input"].update(scale=0), "scale of 'input' must be positive and finite, not 0"),
        (lambda g: g["input"].update(scale="a"), "of 'input' must be positive and finite, not 'a'"),
        (lambda g: g["input"].update(zero_point=300), "zero point must be from -128 to 127, not 300"),
        (lambda g: g["input"].update(zero_point=1.5), "1.5 is not an integer"),
        (lambda g: g.update(classes="abc"), "classes must be a list of names, not 'abc'"),
        (lambda g: g.update(classes=[5]), r"classes must be a list of names, not \[5\]"),
    ],
)
def test_altered_graph(saved, change, message):
    edit_graph(saved, change)
    with pytest.raises(NetworkFileError, match=message):
        load_network(saved)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.pop("stem.bias"), "'stem.bias' is missing"),
        (lambda t: t.update(extra=np.zeros(1)), "unexpected array 'extra'"),
        (lambda t: t.update({"stem.bias": np.zeros(32)}), "stem: bias must be int32"),
        (
            lambda t: t.update({"stem.bias": np.zeros(31, np.int32)}),
            r"stem: bias must be int32 of shape \(32,\)",
        ),
        (lambda t: t.update({"a.b.packed_weight": t["a.b.packed_weight"][:-9]}), "packed matrix has"),
        (lambda t: t.update({"a.b.packed_weight": np.zeros(99, np.uint8)}), "packed matrix starts with"),
    ],
)
def test_altered_arrays(saved, change, message):
    edit_tensors(saved, change)
    with pytest.raises(NetworkFileError, match=message):
        load_network(saved)


def test_metadata_must_be_an_object(saved):
    edit_graph(saved, lambda graph: graph.update(metadata=[1]))
    with pytest.raises(NetworkFileError, match="entry 'metadata' must be an object"):
        load_metadata(saved)


def repacked(directory: Path, data: bytes) -> None:
    """Put other bytes in the place of the packed weights of ``a.b``, under the checksum that they need."""
    tensors = load((directory / TENSOR_FILE).read_bytes())
    tensors["a.b.packed_weight"] = np.frombuffer(data, np.uint8)
    content = save(tensors)
    (directory / TENSOR_FILE).write_bytes(content)
    digest = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    edit_graph(directory, lambda graph: graph.update(tensors=digest))


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        (
            (60_000, 60_000, 1, 1),
            "weights of shape (60000, 60000, 1, 1) in blocks of 16 are 3,600,000,000 with",
        ),
        (
            (64, 32, 1, 1),
            "has packed weights of shape (64, 32, 1, 1), expected 32 outputs as of its bias and 32",
        ),
        (
            (32, 64, 1, 1),
            "has packed weights of shape (32, 64, 1, 1), expected 32 outputs as of its bias and 32",
        ),
    ],
)
def test_packed_weights_are_not_unpacked_for_another_layer(network, tmp_path, shape, message):
    save_network(network, tmp_path / "net")
    body = HEADER.pack(b"CRSP", 1, 1, 4, 0, 16, *shape, 0)
    repacked(tmp_path / "net", body + CHECKSUM.pack(zlib.crc32(body)))
    with pytest.raises(NetworkFileError) as caught:
        load_network(tmp_path / "net")
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda graph: graph["input"].update(shape=[3, 20_000, 20_000]),
            "expected at most 4,194,304 values",
        ),
        (
            lambda graph: graph["nodes"][0].update(padding=[50_000, 50_000]),
            "tensor 'stem' has the shape (32, 50",
        ),
        (lambda g: g["nodes"][1].update(kernel=40, padding=2), "tensor 'pool' has the shape (32, -3"),
        (
            lambda graph: graph["nodes"][0].update(inputs="input"),
            "inputs must be a list of names, not 'input'",
        ),
        (lambda g: g["nodes"][0].update(inputs=[]), "stem: reads 0 tensors, expected 1"),
    ],
)
def test_sizes_that_no_array_bounds(network, tmp_path, change, message):
    save_network(network, tmp_path / "net")
    edit_graph(tmp_path / "net", change)
    with pytest.raises(NetworkFileError) as caught:
        load_network(tmp_path / "net")
    assert message in str(caught.value)


def test_weights_of_all_layers_together(network, tmp_path, monkeypatch):
    save_network(network, tmp_path / "net")
    monkeypatch.setattr("crisp_sw.exchange.packed.load.MAX_NETWORK_WEIGHTS", 10_000)
    with pytest.raises(NetworkFileError, match=r"more than 10,000 weights up to layer 'a\.b'"):
        load_network(tmp_path / "net")


@pytest.mark.parametrize("name", [GRAPH_FILE, TENSOR_FILE])
def test_named_pipes_are_not_waited_for(network, tmp_path, name):
    save_network(network, tmp_path / "net")
    (tmp_path / "net" / name).unlink()
    os.mkfifo(tmp_path / "net" / name)
    with pytest.raises(NetworkFileError, match=r"cannot be read \(a named pipe; expected a regular file\)"):
        load_network(tmp_path / "net")

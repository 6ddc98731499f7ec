"""Tensors whose values lie in other files: only in the folder of the model, and only what is there."""

import os
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx.external_data_helper import convert_model_to_external_data

from crisp_golden.arithmetic.network import QuantizedConv
from crisp_sw.exchange.onnx import OnnxModelError, import_onnx
from crisp_sw.exchange.onnx.qdq_graph import IMAGE_SHAPE, QdqGraph
from sw.tests.exchange.onnx.networks import real_outputs
from sw.tests.exchange.onnx.onnx_runtime import run_model_as_written


@pytest.fixture
def path(tmp_path) -> Path:
    """A model all of whose constants lie in ``weights.bin`` beside it."""
    graph = QdqGraph()
    graph.finish(graph.conv(graph.qdq("image")))
    model = graph.model()
    convert_model_to_external_data(model, location="weights.bin", size_threshold=0)
    folder = tmp_path / "model"
    folder.mkdir()
    onnx.save(model, folder / "net.onnx")
    return folder / "net.onnx"


def changed(path: Path, **entries: str | None) -> Path:
    """The model with other entries for its weight's data; None removes one."""
    model = onnx.load(path, load_external_data=False)
    weight = max(model.graph.initializer, key=lambda item: len(item.dims))
    notes = {entry.key: entry.value for entry in weight.external_data} | entries
    del weight.external_data[:]
    for key, value in notes.items():
        if value is not None:
            weight.external_data.add(key=key, value=value)
    path.write_bytes(model.SerializeToString())
    return path


def test_computes_what_the_runtime_computes(path: Path):
    network = import_onnx(path).network
    images = np.random.default_rng(3).normal(size=(2, *IMAGE_SHAPE)).astype(np.float32)
    steps = run_model_as_written(path, images).reshape(2, -1) - real_outputs(network, images)
    assert np.abs(steps).max() / network.scales[network.nodes[-1].name] < 1.01


def test_without_a_length_the_rest_of_the_file(path: Path):
    layer = import_onnx(path).network.nodes[0].layer
    assert isinstance(layer, QuantizedConv)
    (path.parent / "own.bin").write_bytes(layer.weight.tobytes())
    again = import_onnx(changed(path, location="own.bin", offset=None, length=None)).network.nodes[0].layer
    assert isinstance(again, QuantizedConv)
    assert np.array_equal(again.weight, layer.weight)


@pytest.mark.parametrize("location", ["../secret.bin", "/etc/hostname", "", "link.bin", "a/../../secret.bin"])
def test_files_elsewhere_are_not_read(path: Path, location: str):
    (path.parent.parent / "secret.bin").write_bytes(bytes(10000))
    (path.parent / "a").mkdir()
    (path.parent / "link.bin").symlink_to("../secret.bin")
    with pytest.raises(OnnxModelError, match="expected a file in the folder of the model"):
        import_onnx(changed(path, location=location))


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({"offset": "999999"}, "needs bytes 999999 to [0-9]+ of 'weights.bin', which has [0-9]+"),
        ({"length": "99999999999"}, "which has [0-9]+"),
        ({"offset": "-1"}, "expected an offset and a length"),
        ({"length": "1e3"}, "expected an offset and a length"),
        ({"length": "9" * 5000}, "expected an offset and a length"),
        ({"offset": "0", "length": "10"}, "has 10 bytes for the shape|raw_data"),
        ({"checksum": "abc"}, "says 'location', 'offset', 'length', 'checksum' about its external data"),
        ({"location": None}, "about its external data; expected location, offset and length"),
        ({"location": "absent.bin"}, r"absent.bin, cannot be read \(No such file or directory\)"),
        ({"location": "pipe"}, r"pipe, cannot be read \(a named pipe; expected a regular file\)"),
    ],
)
def test_entries_that_make_no_sense(path: Path, entries: dict[str, str | None], message: str):
    os.mkfifo(path.parent / "pipe")
    with pytest.raises(OnnxModelError, match=message) as caught:
        import_onnx(changed(path, **entries))
    assert "\n" not in str(caught.value)


def test_bytes_are_not_multiplied(path: Path):
    model = onnx.load(path, load_external_data=False)
    for item in model.graph.initializer:
        del item.external_data[:]
        item.external_data.add(key="location", value="weights.bin")
    path.write_bytes(model.SerializeToString())
    with pytest.raises(OnnxModelError, match=r"external data of \d+ bytes; expected .* no byte used twice"):
        import_onnx(path)


def test_values_here_and_there(path: Path):
    model = onnx.load(path, load_external_data=False)
    model.graph.initializer[0].raw_data = b"abcd"
    path.write_bytes(model.SerializeToString())
    with pytest.raises(OnnxModelError, match="has both values and external data"):
        import_onnx(path)


def test_external_data_that_is_not_announced(path: Path):
    model = onnx.load(path)
    model.graph.initializer[0].external_data.add(key="location", value="weights.bin")
    path.write_bytes(model.SerializeToString())
    with pytest.raises(OnnxModelError, match="has external data, but does not say so"):
        import_onnx(path)

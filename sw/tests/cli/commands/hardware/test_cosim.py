"""``crisp cosim``: the layers that are asked for run, and what differs is no wrong input."""

import json
from dataclasses import replace

import numpy as np
import pytest
from safetensors.numpy import save_file

from crisp_spec.config import named_preset
from crisp_sw.results.core_run import CoreRun
from crisp_sw.results.layers import RtlLayer
from sw.tests.cli.runner import crisp

LAYER = RtlLayer(
    name="conv",
    K=4,
    R=36,
    P=64,
    block=4,
    n=1,
    m=4,
    kept_blocks=4,
    total_blocks=9,
    bytes_dense=144,
    bytes_packed=40,
    cycles_predicted=9,
    cycles_ideal=9,
    cycles_dense=36,
    cycles_rtl=9,
    bit_exact=True,
)


@pytest.fixture
def inputs(tmp_path):
    """Two images for the packed network."""
    images = np.random.default_rng(1).integers(-128, 128, (2, 1, 8, 8)).astype(np.int8)
    save_file({"images": images}, tmp_path / "inputs.safetensors")
    return tmp_path / "inputs.safetensors"


@pytest.fixture
def measured(monkeypatch):
    """Replaces the simulation: calls that it got, and the layer that it measures."""
    calls, changes = [], {}

    def run(network, inputs, **options):
        options.pop("say")("layer 1, conv: done")
        calls.append((network, inputs, options))
        layers = (replace(LAYER, **changes),)
        return CoreRun(preset=str(options["core"]), sim=options["sim"], layers=layers)

    monkeypatch.setattr("crisp_cli.cosim.run.run_network_layers", run)
    return calls, changes


def test_options_reach_the_run(measured, network, inputs, tmp_path):
    out = tmp_path / "c.json"
    words = ("--inputs", inputs, "--preset", "small", "--out", out, "--layer", "stage1", "--sim", "icarus")
    result = crisp("cosim", network, *words, "--waves")
    assert result.exit_code == 0, result.stderr
    options = {"core": named_preset("small"), "out": out, "sim": "icarus", "layers": "stage1", "waves": True}
    assert measured[0] == [(network, inputs, options)]
    assert result.stderr == "layer 1, conv: done\n"
    assert result.stdout == f"1 layers, bit-exact, in the predicted cycles; written to {out}\n"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"bit_exact": False}, "outputs differ from golden in conv"),
        ({"cycles_rtl": 10}, "cycles differ from the prediction in conv (10 instead of 9)"),
    ],
)
def test_a_layer_that_differs_is_a_check_that_failed(measured, network, inputs, tmp_path, change, message):
    measured[1].update(change)
    result = crisp("cosim", network, "--inputs", inputs, "--out", tmp_path / "c.json")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.endswith(f"error: {message}\n")


@pytest.mark.parametrize(
    ("tensors", "message"),
    [
        ({"pictures": np.zeros((1, 1, 8, 8), np.int8)}, "no tensor `images` in it; expected int8 images of"),
        ({"images": np.zeros((1, 1, 8, 8), np.float32)}, "`images` is float32 of 1 x 1 x 8 x 8; expected"),
        ({"images": np.zeros((1, 3, 8, 8), np.int8)}, "`images` is int8 of 1 x 3 x 8 x 8; expected"),
        ({"images": np.zeros((0, 1, 8, 8), np.int8)}, "`images` is int8 of 0 x 1 x 8 x 8; expected"),
        (None, "not a safetensors file"),
    ],
)
def test_images_of_another_network_are_refused(measured, network, tmp_path, tensors, message):
    path = tmp_path / "inputs.safetensors"
    path.write_bytes(b"none") if tensors is None else save_file(tensors, path)
    result = crisp("cosim", network, "--inputs", path, "--out", tmp_path / "c.json")
    assert (result.exit_code, measured[0]) == (2, [])
    assert f"{path}: {message}" in result.stderr


@pytest.mark.parametrize(
    ("pattern", "message"),
    [("no_such", "no layer matches 'no_such'; expected some of conv, "), ("(", "'(' is not a regular")],
)
def test_a_pattern_that_selects_no_layer_is_named(measured, network, inputs, tmp_path, pattern, message):
    result = crisp("cosim", network, "--inputs", inputs, "--layer", pattern, "--out", tmp_path / "c.json")
    assert (result.exit_code, measured[0]) == (2, [])
    assert message in result.stderr


@pytest.mark.slow
def test_a_layer_runs_on_the_rtl(network, inputs, tmp_path):
    out = tmp_path / "c.json"
    words = ("--inputs", inputs, "--preset", "small", "--out", out, "--layer", "^linear$", "--json")
    result = crisp("cosim", network, *words)
    assert result.exit_code == 0, result.stderr
    report = json.loads(result.stdout)
    assert report == json.loads(out.read_text())
    (layer,) = report["layers"]
    assert (layer["name"], layer["bit_exact"], layer["images"]) == ("linear", True, 2)
    assert layer["cycles_rtl"] == layer["cycles_predicted"]
    assert result.stderr.startswith("layer 1, linear: bit-exact, ")

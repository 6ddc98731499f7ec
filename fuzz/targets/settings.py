"""Loaders of what people write, and of what earlier runs wrote: settings, rules, options, results."""

import json
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from crisp_files.documents import document_text
from crisp_files.json_files import read_json
from crisp_sw.flows.inputs.devices import find_device
from crisp_sw.flows.steps.prune_settings import prune_settings
from crisp_sw.models import build_model
from crisp_sw.report.found_runs import find_runs
from crisp_sw.report.pages.index_page import render_index
from crisp_sw.results.accuracies import Accuracies
from crisp_sw.results.demo_report import DemoReport, ImageScores
from crisp_sw.results.layers import RtlLayer
from crisp_sw.results.steps import ClassAccuracy, EvaluateStep, Source
from crisp_sw.synthetic.rules_file import read_rules
from crisp_sw.synthetic.sparsity_rules import parse_nm
from fuzz.edits import edited
from fuzz.formats.texts import JSON, TOML, WORDS
from fuzz.target import Target, file_with

PRUNE_TOML = b"""
n = 2
block = 16
sparsity = 0.9
method = "crisp"
exclude = ["conv1", "fc"]
learning_rate = 1e-2

[[rules]]
name = "layer1.*"
type = "Conv2d"
m = 8
dense = false
min_kept_share = 0.5
"""
PRUNE_JSON = {
    "settings": {
        **{"n": 2, "m": 4, "block": 16, "sparsity": 0.9, "saliency_samples": None, "flip": True, "seed": 1},
        **{"max_grad_norm": 1.0, "exclude": ["fc"], "rules": [{"name": "fc", "dense": True}]},
    },
    "accuracy": 0.5,
}
LAYERS_TOML = b"""
rules = [
    { name = "layer1.*", n = 2, m = 4, block = 32, kept_share = 0.75 },
    { role = "classifier", type = "Linear", dense = true },
]
"""
LAYERS_JSON = {"rules": [{"name": "layer1.*", "n": 2, "kept_share": 0.75}, {"role": "first", "dense": True}]}
LAYER = RtlLayer(
    name="conv",
    K=64,
    R=576,
    P=196,
    block=16,
    n=1,
    m=4,
    kept_blocks=12,
    total_blocks=144,
    bytes_dense=36_864,
    bytes_packed=4096,
    cycles_rtl=1000,
    cycles_predicted=1000,
    cycles_ideal=900,
    cycles_dense=8000,
    bit_exact=True,
)
DEMO = DemoReport(
    dataset="fashion-mnist",
    classes=("bag", "coat"),
    model="small-resnet",
    seed=0,
    preset="edge",
    clock_mhz=100.0,
    accuracy=Accuracies(dense_fine_tuned=0.99, int8=0.98),
    test_images=2000,
    sparsity=0.92,
    model_sparsity=0.9,
    layers=(LAYER,),
    images=(ImageScores(label="bag", prediction="coat", scores={"bag": -3, "coat": 5}),),
    steps={"prune and fine-tune": "41.5 s"},
    prune_settings={"n": 1},
    samples_per_class=500,
    versions={"numpy": "2.0"},
    command="crisp demo",
)
EVALUATION = EvaluateStep(
    path="build/network",
    command="crisp evaluate",
    source=Source(checkpoint="build/network", data="digits"),
    dataset="digits",
    classes=("0", "1"),
    class_ids=("0", "1"),
    images=72,
    accuracy=Accuracies(int8=0.97),
    per_class=(ClassAccuracy(name="0", images=0, accuracy=None),),
    skipped=(),
)


def _settings(suffix: str, toml: bytes, values: Any) -> SearchStrategy[bytes]:
    if suffix == ".toml":
        return st.one_of(edited(TOML, [toml]), edited(WORDS, [toml]))
    return edited(JSON, [json.dumps(values).encode()])


def _read_prune_settings(data: bytes, suffix: str) -> None:
    with file_with(data, f"settings{suffix}") as path:
        prune_settings(path, {"n": None, "block": 8})


def _read_rules(data: bytes, suffix: str) -> None:
    with file_with(data, f"layers{suffix}") as path:
        read_rules(path)


def _results() -> SearchStrategy[bytes]:
    return edited(JSON, [document_text(document).encode() for document in (DEMO, EVALUATION)])


def _read_results(data: bytes) -> None:
    """As every file that the index looks into, with the page that comes of it."""
    for name in ("report.json", "evaluate.json", "train.json"):
        with file_with(data, name) as path:
            render_index("build", find_runs(path.parent), 100.0)
            read_json(path)


def _options(seeds: Sequence[bytes]) -> SearchStrategy[bytes]:
    return edited(WORDS, seeds)


def _read_option(data: bytes, read: Callable[[str], object]) -> None:
    read(data.decode(errors="surrogateescape"))


def _build(name: str) -> None:
    build_model(name, in_channels=3, num_classes=2)


OPTIONS = {
    "nm": (parse_nm, (b"1:4", b"12:16")),
    "device": (find_device, (b"cpu", b"cuda:1")),
    "model": (_build, (b"small-resnet", b"Small_MobileNet_V2", b"torchvision:resnet18")),
}
"""Words of a command line that are more than a name to look up: what reads them, and seeds."""

TARGETS = (
    *(
        Target(
            name=f"{name}-{suffix[1:]}",
            load=partial(read, suffix=suffix),
            inputs=partial(_settings, suffix, toml, values),
            examples=300,
        )
        for name, read, toml, values in (
            ("prune-settings", _read_prune_settings, PRUNE_TOML, PRUNE_JSON),
            ("layer-rules", _read_rules, LAYERS_TOML, LAYERS_JSON),
        )
        for suffix in (".toml", ".json")
    ),
    Target(name="results", load=_read_results, inputs=_results, examples=200),
    *(
        Target(
            name=f"option-{name}",
            load=partial(_read_option, read=read),
            inputs=partial(_options, seeds),
            examples=100,
        )
        for name, (read, seeds) in OPTIONS.items()
    ),
)

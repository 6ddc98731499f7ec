"""Results on disk: whole or not there, and never taken for those of other settings."""

import json
from dataclasses import replace

import pytest

from crisp_files.documents import DocumentError, document_json
from crisp_files.json_files import JsonFileError
from crisp_files.json_values import to_json
from crisp_sw.exchange.packed import load_metadata
from crisp_sw.flows.experiment.cells.cell import Cell
from crisp_sw.flows.experiment.cells.cell_result import CellResult
from crisp_sw.flows.experiment.results.cell_store import ResultStore
from sw.tests.small_programs import small_network

RESULT = CellResult(cell=Cell(network="net", classes=3, class_seed=0, method="dense"), accuracy=0.5)


def test_result_is_found_again_for_the_same_settings_only(tmp_path):
    store = ResultStore(tmp_path / "out")
    assert store.read("cell", {"a": 1}) is None
    kept = store.write("cell", {"a": 1}, RESULT)
    assert store.read("cell", {"a": 1}) == kept == replace(RESULT, depends_on={"a": 1})
    assert store.read("cell", {"a": 2}) is None
    assert store.read("other", {"a": 1}) is None


def test_weights_are_kept_beside_results(tmp_path):
    store = ResultStore(tmp_path)
    assert store.read_weights("cell", {}) is None
    store.write_weights("cell", {}, b"abc")
    assert store.read_weights("cell", {}) == b"abc"
    assert not list(tmp_path.rglob("*.tmp"))


def test_networks_of_other_settings_lie_beside_each_other(tmp_path):
    store = ResultStore(tmp_path)
    for accuracy in (0.5, 0.75):
        store.write_network("cell", {"a": accuracy}, small_network(), replace(RESULT, accuracy=accuracy))
    kept = [load_metadata(store.network("cell", {"a": accuracy}))["accuracy"] for accuracy in (0.5, 0.75)]
    assert kept == [0.5, 0.75]


def test_damaged_result_is_named(tmp_path):
    store = ResultStore(tmp_path)
    store.write("cell", {}, RESULT)
    (file,) = tmp_path.rglob("*.json")
    file.write_text("{")
    with pytest.raises(JsonFileError, match="not valid JSON"):
        store.read("cell", {})


def test_result_from_before_there_were_versions_is_read_and_one_of_another_version_is_not(tmp_path):
    store = ResultStore(tmp_path)
    kept = document_json(store.write("cell", {}, RESULT))
    (file,) = tmp_path.rglob("*.json")
    file.write_text(json.dumps(to_json(replace(RESULT, depends_on={}))))
    assert store.read("cell", {}) == replace(RESULT, depends_on={})
    file.write_text(json.dumps({**kept, "version": 9}))
    with pytest.raises(DocumentError, match="'crisp-cell' of version 9; expected 'crisp-cell' of version 1"):
        store.read("cell", {})

"""Results on disk: whole or not there, and never taken for those of other settings."""

import pytest

from crisp_files.json_files import JsonFileError
from crisp_sw.exchange.packed import load_metadata
from crisp_sw.flows.experiment.results.cell_store import ResultStore
from sw.tests.small_programs import small_network


def test_result_is_found_again_for_the_same_settings_only(tmp_path):
    store = ResultStore(tmp_path / "out")
    assert store.read("cell", {"a": 1}) is None
    kept = store.write("cell", {"a": 1}, {"accuracy": 0.5})
    assert store.read("cell", {"a": 1}) == kept == {"accuracy": 0.5, "depends_on": {"a": 1}}
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
        store.write_network("cell", {"a": accuracy}, small_network(), {"accuracy": accuracy})
    kept = [load_metadata(store.network("cell", {"a": accuracy}))["accuracy"] for accuracy in (0.5, 0.75)]
    assert kept == [0.5, 0.75]


def test_damaged_result_is_named(tmp_path):
    store = ResultStore(tmp_path)
    store.write("cell", {}, {})
    (file,) = tmp_path.rglob("*.json")
    file.write_text("{")
    with pytest.raises(JsonFileError, match="not valid JSON"):
        store.read("cell", {})

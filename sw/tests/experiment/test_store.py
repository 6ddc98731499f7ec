"""Results on disk: whole or not there, and never taken for those of other settings."""

import pytest

from crisp_sw.experiment.store import ResultStore
from crisp_sw.steps.json_files import JsonFileError


def test_result_is_found_again_for_the_same_settings_only(tmp_path):
    store = ResultStore(tmp_path / "out")
    assert store.read("cell", {"a": 1}) is None
    store.write("cell", {"a": 1}, {"accuracy": 0.5})
    assert store.read("cell", {"a": 1}) == {"accuracy": 0.5, "depends_on": {"a": 1}}
    assert store.read("cell", {"a": 2}) is None
    assert store.read("other", {"a": 1}) is None


def test_weights_are_kept_beside_results(tmp_path):
    store = ResultStore(tmp_path)
    assert store.read_weights("cell", {}) is None
    store.write_weights("cell", {}, b"abc")
    assert store.read_weights("cell", {}) == b"abc"
    assert not list(tmp_path.rglob("*.tmp"))


def test_damaged_result_is_named(tmp_path):
    store = ResultStore(tmp_path)
    store.write("cell", {}, {})
    (file,) = tmp_path.rglob("*.json")
    file.write_text("{")
    with pytest.raises(JsonFileError, match="not valid JSON"):
        store.read("cell", {})

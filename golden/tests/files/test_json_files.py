"""JSON files are whole, or the error names them."""

import pytest

from crisp_files.json_files import JsonFileError, read_json, write_json


def test_round_trip_leaves_one_file(tmp_path):
    write_json(tmp_path / "a" / "b.json", {"x": [1, 2.5, None]})
    assert read_json(tmp_path / "a" / "b.json") == {"x": [1, 2.5, None]}
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["b.json"]


def test_value_that_is_no_json_leaves_the_old_file(tmp_path):
    write_json(tmp_path / "b.json", 1)
    with pytest.raises(TypeError):
        write_json(tmp_path / "b.json", object())
    assert read_json(tmp_path / "b.json") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["b.json"]


def test_absent_and_damaged_files(tmp_path):
    with pytest.raises(JsonFileError, match=r"c\.json: cannot be read"):
        read_json(tmp_path / "c.json")
    (tmp_path / "c.json").write_text('{"x": ')
    with pytest.raises(JsonFileError, match=r"c\.json: not valid JSON"):
        read_json(tmp_path / "c.json")

"""Documents say what they are, and others are refused with both versions."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from crisp_files.documents import (
    Document,
    DocumentError,
    document_from_json,
    document_json,
    read_document,
    write_document,
)
from crisp_files.json_schema import document_schema, meanings
from crisp_files.json_values import figure, known


@dataclass(frozen=True)
class Side:
    """A side of the box."""

    length: float


@dataclass(frozen=True, kw_only=True)
class Sized:
    """What has a size.

    Attributes
    ----------
    sides : all of
        them.
    """

    sides: tuple[Side, ...]

    @figure
    def around(self) -> float:
        """Of all sides."""
        return sum(side.length for side in self.sides)


@dataclass(frozen=True, kw_only=True)
class Box(Sized, Document, schema="box", version=2):
    """A box.

    Attributes
    ----------
    name, colour : for people.
    """

    name: str
    colour: str | None = known()
    notes: dict[str, Any]


BOX = Box(name="a", sides=(Side(1.5), Side(2)), notes={"k": [1]})
JSON = {
    "schema": "box",
    "version": 2,
    "sides": [{"length": 1.5}, {"length": 2}],
    "name": "a",
    "notes": {"k": [1]},
    "around": 3.5,
}


def test_what_is_written_is_read_again(tmp_path: Path):
    path = tmp_path / "deep" / "box.json"
    write_document(path, BOX)
    assert json.loads(path.read_text()) == JSON == document_json(BOX)
    assert list(document_json(BOX))[:2] == ["schema", "version"]
    assert read_document(Box, path) == BOX


def test_a_document_from_before_there_were_versions_is_read_if_it_fits():
    old = {key: value for key, value in JSON.items() if key not in ("schema", "version")}
    assert document_from_json(Box, old, "box.json") == BOX
    del old["notes"]
    with pytest.raises(DocumentError) as caught:
        document_from_json(Box, old, "box.json")
    assert str(caught.value).startswith(
        "box.json: without a version; expected 'box' of version 2: `box` must be"
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"version": 1}, "b: 'box' of version 1; expected 'box' of version 2"),
        ({"schema": "lid"}, "b: 'lid' of version 2; expected 'box' of version 2"),
        ({"schema": [1], "version": {}}, "b: [1] of version {}; expected 'box' of version 2"),
        (
            {"around": 4},
            "b: 'box' of version 2; expected 'box' of version 2: `box.around` must be 3.5, which follows "
            "from the other figures, not 4.0",
        ),
    ],
)
def test_any_other_is_refused_with_both_versions(change: dict[str, Any], message: str):
    with pytest.raises(DocumentError) as caught:
        document_from_json(Box, {**JSON, **change}, "b")
    assert str(caught.value) == message


def test_what_is_no_object_is_refused():
    with pytest.raises(DocumentError, match=r"b: expected a JSON object, not \[1\]"):
        document_from_json(Box, [1], "b")


def test_the_schema_is_that_of_the_document():
    schema = document_schema(Box)
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(document_json(BOX), schema)
    wrong: list[dict[str, Any]] = [{"version": 3}, {"around": "4"}, {"sides": [1.5]}, {"more": 1}]
    for change in wrong:
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({**JSON, **change}, schema)


def test_the_schema_says_what_the_docstrings_say():
    assert meanings(Box) == {
        "sides": "all of them.",
        "name": "for people.",
        "colour": "for people.",
        "around": "Of all sides.",
    }
    assert document_schema(Box)["description"] == "A box."
    assert document_schema(Box)["$defs"]["Side"]["description"] == "A side of the box."

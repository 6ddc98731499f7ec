"""JSON becomes what was declared, or an error that names the place."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import pytest

from crisp_files.json_values import JsonValueError, figure, from_json, known, to_json


@dataclass(frozen=True)
class Point:
    x: int
    name: str


@dataclass(frozen=True)
class Shape:
    size: tuple[int, int]
    closed: bool
    points: tuple[Point, ...]
    spans: tuple[tuple[str, int], ...]
    centre: Point | None
    extra: dict[str, Any]


POINT = {"x": 1, "name": "a"}
SHAPE = {"size": [2, 3], "closed": True, "points": [POINT], "spans": [], "centre": None, "extra": {"k": [1]}}


def test_values_become_what_their_fields_declare():
    assert from_json(Shape, SHAPE, "shape") == Shape((2, 3), True, (Point(1, "a"),), (), None, {"k": [1]})
    full = {**SHAPE, "spans": [["b", 4]], "centre": POINT, "points": []}
    assert from_json(Shape, full, "shape") == Shape((2, 3), True, (), (("b", 4),), Point(1, "a"), {"k": [1]})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"size": [2]}, "`shape.size` must be a list of 2, not [2]"),
        ({"size": 2}, "`shape.size` must be a list, not 2"),
        ({"size": [2, 3.0]}, "`shape.size[1]` must be int, not 3.0"),
        ({"size": [2, True]}, "`shape.size[1]` must be int, not True"),
        ({"closed": 1}, "`shape.closed` must be bool, not 1"),
        ({"points": [POINT, {"x": 1}]}, "`shape.points[1]` must be an object of x, name, not 'x'"),
        ({"points": [{**POINT, "y": 2}]}, "`shape.points[0]` must be an object of x, name, not 'x, name, y'"),
        ({"spans": [["b", "4"]]}, "`shape.spans[0][1]` must be int, not '4'"),
        ({"centre": []}, "`shape.centre` must be an object, not []"),
        ({"extra": None}, "`shape.extra` must be dict, not None"),
    ],
)
def test_anything_else_is_refused_with_its_place(change: dict[str, Any], message: str):
    with pytest.raises(JsonValueError) as caught:
        from_json(Shape, {**SHAPE, **change}, "shape")
    assert str(caught.value) == message


@dataclass(frozen=True, kw_only=True)
class Ratio:
    kind: Literal["speed", "size"]
    shares: Mapping[str, float]
    above: int
    below: int
    note: str | None = known()

    @figure
    def value(self) -> float | None:
        """Above over below."""
        return self.above / self.below if self.below else None


RATIO = Ratio(kind="speed", shares={"a": 0.5}, above=3, below=2)
RATIO_JSON = {"kind": "speed", "shares": {"a": 0.5}, "above": 3, "below": 2, "value": 1.5}


def test_what_is_written_is_read_again():
    shape = from_json(Shape, SHAPE, "shape")
    assert to_json(shape) == SHAPE
    assert to_json(RATIO) == RATIO_JSON
    assert from_json(Ratio, RATIO_JSON, "ratio") == RATIO


def test_a_field_that_is_not_known_is_left_out():
    noted = replace(RATIO, note="mine", below=0)
    assert to_json(noted) == {**RATIO_JSON, "note": "mine", "below": 0, "value": None}
    assert from_json(Ratio, to_json(noted), "ratio") == noted


def test_whole_numbers_are_floats_too():
    read = from_json(Ratio, {**RATIO_JSON, "shares": {"a": 1}}, "ratio")
    assert type(read.shares["a"]) is float


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "cost"}, "`ratio.kind` must be one of 'speed', 'size', not 'cost'"),
        ({"shares": {"a": "b"}}, "`ratio.shares.a` must be float, not 'b'"),
        ({"shares": {"a": float("nan")}}, "`ratio.shares.a` must be a finite number, not nan"),
        ({"kind": "x" * 999}, f"`ratio.kind` must be one of 'speed', 'size', not '{'x' * 199}..."),
        ({"shares": [1]}, "`ratio.shares` must be an object, not [1]"),
        ({"above": True}, "`ratio.above` must be int, not True"),
        ({"value": 2}, "`ratio.value` must be 1.5, which follows from the other figures, not 2.0"),
        (
            {"note": None, "value": None},
            "`ratio.value` must be 1.5, which follows from the other figures, not None",
        ),
        (
            {"more": 1},
            "`ratio` must be an object of kind, shares, above, below, note, value, not "
            "'kind, shares, above, below, value, more'",
        ),
    ],
)
def test_literals_maps_and_figures_are_checked(change: dict[str, Any], message: str):
    with pytest.raises(JsonValueError) as caught:
        from_json(Ratio, {**RATIO_JSON, **change}, "ratio")
    assert str(caught.value) == message


def test_a_value_that_json_does_not_have_is_a_fault_of_the_program():
    with pytest.raises(TypeError, match="none of the types that JSON has"):
        to_json({"a": [{1, 2}]})

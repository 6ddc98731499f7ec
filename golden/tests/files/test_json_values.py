"""JSON becomes what was declared, or an error that names the place."""

from dataclasses import dataclass
from typing import Any

import pytest

from crisp_files.json_values import JsonValueError, from_json


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

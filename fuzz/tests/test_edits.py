"""Edits and formats: what is written after no edit is read as before, and edits reach everything."""

from contextlib import suppress

import pytest
from hypothesis import Phase, given, seed, settings

from fuzz.edits import edited, edited_bytes, edited_trees
from fuzz.formats.format import Format
from fuzz.formats.texts import JSON, TOML, WORDS


def drawn(strategy, count: int) -> list:
    """What a strategy draws."""
    found = []

    @seed(0)
    @settings(max_examples=count, database=None, phases=[Phase.generate])
    @given(strategy)
    def draw(value):
        found.append(value)

    draw()
    return found


def test_edits_reach_every_part_of_a_tree_and_leave_the_seed_alone():
    tree = {"a": 1, "b": [True, "text"], "c": {"d": b"bytes", "e": 0.5}}
    changed = drawn(edited_trees([tree]), 400)
    assert tree == {"a": 1, "b": [True, "text"], "c": {"d": b"bytes", "e": 0.5}}
    whole = [value for value in changed if isinstance(value, dict) and value.keys() == tree.keys()]
    for key in tree:
        assert any(value[key] != tree[key] for value in whole)
    assert any(
        isinstance(value["c"], dict) and value["c"].get("d") not in (b"bytes", None) for value in whole
    )


def test_edits_of_bytes_change_cut_and_add():
    changed = drawn(edited_bytes([b"abcdefgh"]), 200)
    assert {len(data) for data in changed} >= {7, 8, 9}
    assert any(data.startswith(b"abc") and data != b"abcdefgh" for data in changed)


SEEDS = {
    "json": (JSON, b'{"a": [1, null]}'),
    "toml": (TOML, b'"a" = [1, {"b" = true}]'),
    "words": (WORDS, b"n1\ta, b\n"),
}


@pytest.mark.parametrize("name", SEEDS)
def test_texts_come_back(name):
    kind, data = SEEDS[name]
    assert kind.write(kind.read(data)) == data


def test_a_format_must_read_what_it_writes():
    lossy = Format(lambda data: list(data), lambda tree: bytes(tree[:1]))
    with pytest.raises(ValueError, match=r"^expected a format that reads what it writes: b'ab'$"):
        edited(lossy, [b"a", b"ab"])


def test_most_inputs_are_written_by_the_format_and_some_are_none_of_it():
    inputs = drawn(edited(JSON, [b'{"a": [1, null], "b": "text"}']), 300)
    legal = 0
    for data in inputs:
        with suppress(ValueError, RecursionError):
            JSON.read(data)
            legal += 1
    assert len(inputs) / 2 < legal < len(inputs)

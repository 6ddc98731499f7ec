"""The ways through the system are those of the sources: rooms are passed once, words are those used there."""

import re
from pathlib import Path

import pytest

from sw.tests.documents.markdown_blocks import ROOT
from sw.tests.documents.test_places import PACKAGES, names_in

TEXT = (ROOT / "docs/trips.md").read_text(encoding="utf-8")
TRIPS = {
    title: re.findall(r"^\| `(crisp_[\w.]+)` \| (.*) \| `(\w+)` \|$", body, flags=re.M)
    for title, body in re.findall(r"^## ([^\n]*, [^\n]*)\n(.*?)(?=^## |\Z)", TEXT, flags=re.M | re.S)
}


def module_of(dotted: str) -> Path:
    """The source of the module that a dotted name begins with."""
    first, *parts = dotted.split(".")
    place = PACKAGES[first]
    while parts and (place / parts[0]).is_dir():
        place /= parts.pop(0)
    return place / f"{parts[0]}.py"


def test_three_trips_are_described():
    assert len(TRIPS) == 3
    assert all(len(rooms) >= 8 for rooms in TRIPS.values())
    rows = TEXT.count("\n| `crisp_")
    assert sum(map(len, TRIPS.values())) == rows


@pytest.mark.parametrize("title", TRIPS)
def test_a_room_is_passed_once(title: str):
    rooms = [module_of(room) for room, _, _ in TRIPS[title]]
    assert len(rooms) == len(set(rooms))


@pytest.mark.parametrize("title", TRIPS)
def test_every_room_is_there_and_uses_the_word(title: str):
    for room, _, word in TRIPS[title]:
        source = module_of(room)
        name = room.removeprefix(".".join(source.with_suffix("").parts[-1:])).rpartition(".")[2]
        assert name == source.stem or name in names_in(source), room
        assert re.search(rf"\b{word}\b", source.read_text(encoding="utf-8")), f"{room} does not say {word}"


@pytest.mark.parametrize("title", TRIPS)
def test_hardware_comes_last(title: str):
    """What has reached the hardware does not come back."""
    in_hardware = [room.startswith("crisp_hw") for room, _, _ in TRIPS[title]]
    assert in_hardware == sorted(in_hardware)
    assert in_hardware[-1]

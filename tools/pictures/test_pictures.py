"""The committed pictures are those of the design, and a picture that is not its design's is refused."""

import xml.etree.ElementTree as ElementTree
from dataclasses import replace

import pytest
from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from tools.pictures import data_flow, packages
from tools.pictures.__main__ import DOCUMENTS, PICTURES
from tools.pictures.diagram import Arrow, Box, Diagram
from tools.pictures.hardware import PictureError, require_whole
from tools.pictures.netlist import Connection, Netlist, netlist


class Adder(wiring.Component):
    """One block of the design below."""

    def __init__(self):
        super().__init__({"a": In(70), "sum": Out(70)})

    def elaborate(self, platform):
        m = Module()
        m.d.sync += self.sum.eq(self.a + 1)
        return m


class Chain(wiring.Component):
    """Two adders, the second of which sees the first through a register and a choice."""

    def __init__(self):
        super().__init__({"a": In(70), "wide": In(1), "sum": Out(70)})

    def elaborate(self, platform):
        m = Module()
        m.submodules.first = first = Adder()
        m.submodules.second = second = Adder()
        m.d.comb += [first.a.eq(self.a), self.sum.eq(second.sum)]
        with m.If(self.wide):
            m.d.sync += second.a.eq(first.sum)
        return m


BOXES = {"first": Box(0, 0, "first"), "second": Box(1, 0, "second")}
ARROWS = [Arrow("first", "second")]


@pytest.fixture(scope="module")
def chain() -> Netlist:
    return netlist(Chain(), "chain")


@pytest.mark.parametrize("name", PICTURES)
def test_committed_pictures_are_those_of_the_design(name: str):
    assert PICTURES[name]().svg() == (DOCUMENTS / name).read_text(), "run `make pictures`"


def test_connections_are_followed_through_logic(chain: Netlist):
    assert chain.blocks == {"first", "second"}
    found = {(one.source, one.target): one.ports for one in chain.connections}
    assert found["first", "second"] == {"a": 70}
    assert found["<a>", "first"] == {"a": 70}
    assert found["<wide>", "second"] == {"a": 70}
    assert ("second", "first") not in found


def test_a_whole_picture_is_accepted(chain: Netlist):
    require_whole(chain, BOXES, ARROWS, {}, frozenset())


@pytest.mark.parametrize(
    ("boxes", "arrows", "message"),
    [
        ({"first": BOXES["first"]}, ARROWS, "boxes and blocks differ: second"),
        ({**BOXES, "third": Box(2, 0, "third")}, ARROWS, "boxes and blocks differ: third"),
        (BOXES, [], "the picture lacks: first to second, 70 bits"),
        (BOXES, [*ARROWS, Arrow("second", "first")], "no such connection in the design: second to first"),
    ],
)
def test_a_picture_of_something_else_is_refused(chain: Netlist, boxes, arrows, message: str):
    with pytest.raises(PictureError, match=message):
        require_whole(chain, boxes, arrows, {}, frozenset())


def test_narrow_connections_need_no_arrow():
    design = Netlist(frozenset(BOXES), (Connection("first", "second", {"a": 8}),))
    require_whole(design, BOXES, [], {}, frozenset())


def test_packages_in_a_circle_are_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(packages, "imported_packages", lambda package: {"crisp_spec", "crisp_sw"} - {package})
    with pytest.raises(PictureError, match="packages import each other: crisp_spec, crisp_sw"):
        packages.packages_picture()


def test_a_step_must_take_what_the_one_before_returns(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(data_flow, "PASSES", (("compile", "quantize"),))
    with pytest.raises(PictureError, match="quantize takes none of what compile returns"):
        data_flow.data_flow_picture()


def test_text_of_pictures_is_text_and_arrows_end_at_borders():
    boxes = {"a": Box(0, 0, "<a>"), "b": Box(1, 0, "b & c")}
    svg = Diagram("a < b", boxes, [Arrow("a", "b", "x > y")]).svg()
    texts = ["".join(node.itertext()) for node in ElementTree.fromstring(svg).iter() if node.text]
    assert {"<a>", "b & c", "x > y", "a < b"} <= set(texts)
    (path,) = [node.get("d") for node in ElementTree.fromstring(svg).iter() if node.get("stroke-width")]
    left, right = boxes["a"].centre[0], boxes["b"].centre[0]
    assert path == f"M{left + 98:.0f} 57 {right - 98:.0f} 57"


def test_a_taller_box_has_its_tags_inside():
    box = replace(BOXES["first"], tags=("one", "two", "three"))
    assert box.height == BOXES["first"].height + 35

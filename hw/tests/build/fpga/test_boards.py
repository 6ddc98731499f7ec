# amaranth: UnusedElaboratable=no
"""The boards: names, and constraints that fit the synthesis wrapper."""

import re

import pytest
from amaranth.hdl import signed

from crisp_hw.build.fpga.boards import BOARDS, Board, BoardError, board, constraints_text
from crisp_hw.build.fpga.wrapper import SynthesisWrapper
from crisp_hw.cells import Multiplier, Technology


def test_boards_are_found_by_name():
    assert board("ulx3s-85f").part == "LFE5U-85F-6BG381C"
    assert board("ulx3s-12f").device == "12k"
    assert all(found.name == name for name, found in BOARDS.items())


def test_an_unknown_board_is_named_with_those_there_are():
    with pytest.raises(BoardError, match=r"no board 'arty'; expected one of ulx3s-85f, .*ecp5-evn"):
        board("arty")


@pytest.mark.parametrize("found", BOARDS.values(), ids=BOARDS)
def test_every_pin_of_the_wrapper_has_one_site_and_one_level(found: Board):
    text = constraints_text(found)
    wrapper = SynthesisWrapper(Multiplier(signed(8), signed(8), technology=Technology.ECP5))
    pins = sorted(wrapper.signature.members)
    located = re.findall(r'^LOCATE COMP "(\w+)" SITE "(\w+)";', text, flags=re.M)
    assert sorted(port for port, _ in located) == pins
    assert len({site for _, site in located}) == len(pins)
    assert sorted(re.findall(r'^IOBUF PORT "(\w+)" .*IO_TYPE=LVCMOS', text, flags=re.M)) == pins

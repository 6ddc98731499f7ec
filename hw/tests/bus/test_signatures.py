# amaranth: UnusedElaboratable=no
"""AXI signatures: they join what belongs together, and their flat names are those that FPGA tools know."""

import pytest
from amaranth.hdl import Module
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from crisp_hw.bus.signatures import Axi4, Axi4Lite, Axi4Read, Axi4Write, flat_ports

ADDRESS = ("id", "addr", "len", "size", "burst", "lock", "cache", "prot", "qos")
MANAGER = {
    **{f"m_axi_{channel}{signal}": Out for channel in ("ar", "aw") for signal in (*ADDRESS, "valid")},
    **{f"m_axi_{signal}": Out for signal in ("wdata", "wstrb", "wlast", "wvalid", "rready", "bready")},
    **{f"m_axi_{signal}": In for signal in ("arready", "awready", "wready", "rvalid", "bvalid")},
    **{f"m_axi_{signal}": In for signal in ("rid", "rdata", "rresp", "rlast", "bid", "bresp")},
}
SUBORDINATE = {
    **{f"s_axil_{channel}{signal}": In for channel in ("ar", "aw") for signal in ("addr", "prot", "valid")},
    **{f"s_axil_{signal}": In for signal in ("wdata", "wstrb", "wvalid", "rready", "bready")},
    **{f"s_axil_{signal}": Out for signal in ("arready", "awready", "wready", "rvalid", "bvalid")},
    **{f"s_axil_{signal}": Out for signal in ("rdata", "rresp", "bresp")},
}
WIDTHS = {"m_axi_araddr": 64, "m_axi_awlen": 8, "m_axi_wdata": 128, "m_axi_wstrb": 16, "m_axi_rdata": 128}


class Device(wiring.Component):
    """A component with some ports and nothing behind them."""

    def elaborate(self, platform):
        return Module()


def test_every_port_of_both_buses_has_the_name_width_and_direction_of_the_standard():
    ports = flat_ports(Device({"m_axi": Out(Axi4(128)), "s_axil": In(Axi4Lite())}))
    assert {name: flow for name, (_, flow) in ports.items()} == {**MANAGER, **SUBORDINATE}
    assert {name: len(ports[name][0]) for name in WIDTHS} == WIDTHS


def test_read_and_write_channels_together_are_axi4():
    members = {**Axi4Read(64).members, **Axi4Write(64).members}
    assert set(Axi4(64).members) == set(members)
    assert all(Axi4(64).members[name] == member for name, member in members.items())
    assert Axi4(64) == Axi4(64)
    assert Axi4(64) != Axi4(128)
    assert Axi4Read(64) != Axi4(64)


def test_other_ports_are_joined_by_underscores_and_structs_are_one_vector():
    pair = data.StructLayout({"low": 3, "high": 2})
    inner = wiring.Signature({"en": Out(1), "pair": Out(pair), "done": In(1)})
    ports = flat_ports(
        Device({"read": In(inner), "banks": Out(4).array(2), "many": In(Axi4Read(64)).array(2)})
    )
    assert {name for name in ports if not name.startswith("many")} == {
        *("read_en", "read_pair", "read_done", "banks_0", "banks_1")
    }
    assert (len(ports["read_pair"][0]), ports["read_pair"][1], ports["read_done"][1]) == (5, In, Out)
    assert {"many_0_araddr", "many_1_rdata"} < set(ports)


def test_two_ports_of_one_name_are_refused():
    device = Device({"read": In(wiring.Signature({"en": Out(1)})), "read_en": In(1)})
    with pytest.raises(ValueError, match="two ports of Device would be called 'read_en'"):
        flat_ports(device)


@pytest.mark.parametrize("wrong", [Axi4Lite(), Axi4(128), Axi4Read(64)])
def test_interfaces_that_differ_cannot_be_connected(wrong):
    manager, subordinate = Device({"bus": Out(Axi4(64))}), Device({"bus": In(wrong)})
    with pytest.raises(wiring.ConnectionError):
        wiring.connect(Module(), manager.bus, subordinate.bus)

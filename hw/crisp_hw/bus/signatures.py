"""AXI4 and AXI4-Lite ports under the flat names that FPGA tools infer interfaces from."""

from amaranth.hdl import Module, ResetSignal
from amaranth.lib.wiring import Component, In, Member, Out

from crisp_spec.registers import ADDRESS_BITS

ID_BITS = 1
LENGTH_BITS = 8
LITE_ADDRESS_BITS = 12
LITE_DATA_BITS = 32

BURST_INCREMENT = 0b01
CACHE_BUFFERABLE = 0b0011
"""Normal memory, bufferable, not cached."""

RESPONSE_OKAY = 0b00
RESPONSE_SLAVE_ERROR = 0b10
"""Bit 1 of a response marks both kinds of error."""


def _address_channel(prefix: str) -> dict[str, Member]:
    """Channel AR or AW of a manager."""
    widths = {"id": ID_BITS, "addr": ADDRESS_BITS, "len": LENGTH_BITS, "size": 3, "burst": 2}
    widths |= {"lock": 1, "cache": 4, "prot": 3, "qos": 4, "valid": 1}
    return {**{prefix + name: Out(bits) for name, bits in widths.items()}, prefix + "ready": In(1)}


def axi4_read(data_bits: int) -> dict[str, Member]:
    """Read channels of an AXI4 manager, named ``m_axi_...``."""
    return {
        **_address_channel("m_axi_ar"),
        "m_axi_rid": In(ID_BITS),
        "m_axi_rdata": In(data_bits),
        "m_axi_rresp": In(2),
        "m_axi_rlast": In(1),
        "m_axi_rvalid": In(1),
        "m_axi_rready": Out(1),
    }


def axi4_write(data_bits: int) -> dict[str, Member]:
    """Write channels of an AXI4 manager, named ``m_axi_...``."""
    return {
        **_address_channel("m_axi_aw"),
        "m_axi_wdata": Out(data_bits),
        "m_axi_wstrb": Out(data_bits // 8),
        "m_axi_wlast": Out(1),
        "m_axi_wvalid": Out(1),
        "m_axi_wready": In(1),
        "m_axi_bid": In(ID_BITS),
        "m_axi_bresp": In(2),
        "m_axi_bvalid": In(1),
        "m_axi_bready": Out(1),
    }


def axi4_lite() -> dict[str, Member]:
    """Channels of an AXI4-Lite subordinate, named ``s_axil_...``."""
    members: dict[str, Member] = {}
    for channel in ("aw", "ar"):
        members |= {
            f"s_axil_{channel}addr": In(LITE_ADDRESS_BITS),
            f"s_axil_{channel}prot": In(3),
            f"s_axil_{channel}valid": In(1),
            f"s_axil_{channel}ready": Out(1),
        }
    return {
        **members,
        "s_axil_wdata": In(LITE_DATA_BITS),
        "s_axil_wstrb": In(LITE_DATA_BITS // 8),
        "s_axil_wvalid": In(1),
        "s_axil_wready": Out(1),
        "s_axil_bresp": Out(2),
        "s_axil_bvalid": Out(1),
        "s_axil_bready": In(1),
        "s_axil_rdata": Out(LITE_DATA_BITS),
        "s_axil_rresp": Out(2),
        "s_axil_rvalid": Out(1),
        "s_axil_rready": In(1),
    }


def drive_constants(m: Module, component: Component, channel: str, data_bits: int) -> None:
    """Set the fields of address channel ``channel`` (``ar`` or ``aw``) that never change."""
    prefix = f"m_axi_{channel}"
    values = {
        "id": 0,
        "size": (data_bits // 8).bit_length() - 1,
        "burst": BURST_INCREMENT,
        "lock": 0,
        "cache": CACHE_BUFFERABLE,
        "prot": 0,
        "qos": 0,
    }
    m.d.comb += [getattr(component, prefix + name).eq(value) for name, value in values.items()]


def forward_ports(m: Module, outer: Component, inner: Component, members: dict[str, Member]) -> None:
    """Connect ports of the same name of a component and of a block inside it.

    AXI demands that nothing is offered in a reset; the block itself may be reset some cycles later.
    """
    for name, member in members.items():
        outside, inside = getattr(outer, name), getattr(inner, name)
        if member.flow is In:
            m.d.comb += inside.eq(outside)
        else:
            m.d.comb += outside.eq(inside & ~ResetSignal() if name.endswith("valid") else inside)

"""The rule of AXI that what is offered on a channel stays as it is until it is accepted."""

from collections.abc import Sequence
from typing import Any

from cocotb.triggers import RisingEdge

ADDRESS = ("id", "addr", "len", "size", "burst", "lock", "cache", "prot", "qos")
CHANNELS = {
    "m_axi_ar": ADDRESS,
    "m_axi_aw": ADDRESS,
    "m_axi_w": ("data", "strb", "last"),
    "s_axil_r": ("data", "resp"),
    "s_axil_b": ("resp",),
}
"""The channels on which the accelerator offers something, and what."""


async def watch_channel(
    dut: Any, name: str, payload: Sequence[str], violations: list[str], *, ready: str = "ready"
) -> None:
    """Add to ``violations`` whenever channel ``name`` takes back or changes what it offers; runs forever.

    A reset takes everything back, at its second edge of the clock at the latest, and nothing is offered at
    the first edge after it.
    """
    valid, accepts = getattr(dut, f"{name}valid"), getattr(dut, f"{name}{ready}")
    signals = [getattr(dut, f"{name}{part}") for part in payload]
    held, is_reset = None, False
    while True:
        if held is None and not valid.value:
            await RisingEdge(valid)
            is_reset = False
        await RisingEdge(dut.clk)
        was_reset, is_reset = is_reset, bool(dut.rst.value)
        offered = [signal.value for signal in signals] if valid.value else None
        if offered and was_reset and is_reset:
            violations.append(f"{name} offers something in a reset")
        if held is not None and not is_reset and offered != held:
            violations.append(f"{name} changes what it offers" if offered else f"{name} takes back an offer")
        held = None if accepts.value or is_reset else offered

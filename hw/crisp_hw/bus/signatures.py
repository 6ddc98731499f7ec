"""AXI4 and AXI4-Lite as signatures, and the port names from which FPGA tools infer these interfaces."""

from typing import Any

from amaranth.hdl import Module, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import Flow, In, Out

from crisp_spec.registers import ADDRESS_BITS

ID_BITS = 1
LENGTH_BITS = 8
RESPONSE_BITS = 2
LITE_ADDRESS_BITS = 12
LITE_DATA_BITS = 32

BURST_INCREMENT = 0b01
CACHE_BUFFERABLE = 0b0011
"""Normal memory, bufferable, not cached."""

RESPONSE_OKAY = 0b00
RESPONSE_SLAVE_ERROR = 0b10
"""Bit 1 of a response marks both kinds of error."""


class AxiSignature(wiring.Signature):
    """An AXI interface as its manager sees it: one member for each channel, and in it the channel's signals.

    ``bus.ar.addr`` is what the standard calls ARADDR. ``flat_ports`` knows interfaces by this class.
    """

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AxiSignature) and self.members == other.members


class Axi4Read(AxiSignature):
    """The read channels of AXI4.

    Parameters
    ----------
    data_bits : width of the data.
    """

    def __init__(self, data_bits: int):
        data = {"id": ID_BITS, "data": data_bits, "resp": RESPONSE_BITS, "last": 1}
        super().__init__({"ar": Out(_address_channel()), "r": In(_channel(data))})


class Axi4Write(AxiSignature):
    """The write channels of AXI4.

    Parameters
    ----------
    data_bits : width of the data.
    """

    def __init__(self, data_bits: int):
        super().__init__(
            {
                "aw": Out(_address_channel()),
                "w": Out(_channel({"data": data_bits, "strb": data_bits // 8, "last": 1})),
                "b": In(_channel({"id": ID_BITS, "resp": RESPONSE_BITS})),
            }
        )


class Axi4(AxiSignature):
    """All channels of AXI4.

    Parameters
    ----------
    data_bits : width of the data.
    """

    def __init__(self, data_bits: int):
        super().__init__({**Axi4Write(data_bits).members, **Axi4Read(data_bits).members})


class Axi4Lite(AxiSignature):
    """AXI4-Lite with data of 32 bits, for the registers of the accelerator."""

    def __init__(self):
        address = {"addr": LITE_ADDRESS_BITS, "prot": 3}
        super().__init__(
            {
                "aw": Out(_channel(address)),
                "w": Out(_channel({"data": LITE_DATA_BITS, "strb": LITE_DATA_BITS // 8})),
                "b": In(_channel({"resp": RESPONSE_BITS})),
                "ar": Out(_channel(address)),
                "r": In(_channel({"data": LITE_DATA_BITS, "resp": RESPONSE_BITS})),
            }
        )


def drive_constants(m: Module, channel: Any, data_bits: int) -> None:
    """Set the signals of an AXI4 address channel that never change."""
    m.d.comb += [
        channel.id.eq(0),
        channel.size.eq((data_bits // 8).bit_length() - 1),
        channel.burst.eq(BURST_INCREMENT),
        channel.lock.eq(0),
        channel.cache.eq(CACHE_BUFFERABLE),
        channel.prot.eq(0),
        channel.qos.eq(0),
    ]


def flat_ports(component: wiring.Component) -> dict[str, tuple[Value, Flow]]:
    """Ports of a component as one flat list, as Verilog wants them: name, value and flow.

    The parts of a name are joined by ``_``, but an AXI channel and its signal are written as one word:
    ``m_axi.ar.addr`` is called ``m_axi_araddr``, from which FPGA tools infer the interface.

    Raises
    ------
    ValueError : two ports would have the same name.
    """
    ports: dict[str, tuple[Value, Flow]] = {}
    for path, member, value in component.signature.flatten(component):
        name = _flat_name(component.signature, path)
        if name in ports:
            raise ValueError(f"two ports of {type(component).__name__} would be called {name!r}")
        ports[name] = Value.cast(value), member.flow
    return ports


def _channel(widths: dict[str, int]) -> wiring.Signature:
    """A channel as its sender sees it."""
    signals = {name: Out(bits) for name, bits in widths.items()}
    return wiring.Signature({**signals, "valid": Out(1), "ready": In(1)})


def _address_channel() -> wiring.Signature:
    """Channel AR or AW of AXI4."""
    widths = {"id": ID_BITS, "addr": ADDRESS_BITS, "len": LENGTH_BITS, "size": 3, "burst": 2}
    return _channel({**widths, "lock": 1, "cache": 4, "prot": 3, "qos": 4})


def _flat_name(signature: Any, path: tuple[str | int, ...]) -> str:
    """Name of the port at ``path`` of ``signature``."""
    words: list[str] = []
    around: Any = None
    for part in path:
        if _is_axi(around):
            words[-1] += str(part)
        else:
            words.append(str(part))
        if isinstance(part, str) and signature.members[part].is_signature:
            around, signature = signature, signature.members[part].signature
    return "_".join(words)


def _is_axi(signature: Any) -> bool:
    unflipped = signature.flip() if isinstance(signature, wiring.FlippedSignature) else signature
    return isinstance(unflipped, AxiSignature)

"""Reset gate: everything passes in both directions, and a reset silences what is offered to the outside."""

from typing import Any

import pytest
from amaranth.hdl import Signal

from crisp_hw.bus.reset_gate import ResetGate
from crisp_hw.bus.signatures import Axi4Lite, Axi4Read, Axi4Write
from hw.tests.simulate import simulate

INTERFACES = {
    "read": (Axi4Read(64), ("ar",), ("r",)),
    "write": (Axi4Write(64), ("aw", "w"), ("b",)),
    "lite, of a subordinate": (Axi4Lite().flip(), ("r", "b"), ("aw", "w", "ar")),
}
"""An interface, the channels on which the block behind the gate offers something, and the others."""


def signals(channel: Any) -> list[str]:
    return [name for name in channel.signature.members if name != "ready"]


@pytest.mark.parametrize("name", INTERFACES)
@pytest.mark.parametrize("reset", [0, 1])
def test_only_valid_is_held_back_and_only_in_a_reset(name, reset):
    signature, offered, taken = INTERFACES[name]
    gate, level = ResetGate(signature), Signal()

    async def bench(ctx):
        ctx.set(level, reset)
        ways = [(getattr(gate.inside, c), getattr(gate.outside, c), 1 - reset) for c in offered]
        ways += [(getattr(gate.outside, c), getattr(gate.inside, c), 1) for c in taken]
        assert {c for c in (*offered, *taken)} == set(signature.members)
        for sender, receiver, valid in ways:
            for signal in signals(sender):
                ctx.set(getattr(sender, signal), 1)
            ctx.set(receiver.ready, 1)
            expected = {signal: 1 for signal in signals(sender)} | {"valid": valid}
            assert {signal: ctx.get(getattr(receiver, signal)) for signal in expected} == expected
            assert ctx.get(sender.ready) == 1

    simulate(gate, bench, reset=level)

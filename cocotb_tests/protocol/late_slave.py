"""Both halves of cocotbext-axi's target with latency: from addresses to data, from data to answers of writes.

Several bursts are under way at a time, each with the full latency. cocotbext-axi alone begins with a burst as
soon as its address is there, and has one response for all errors.
"""

from collections.abc import Callable
from typing import Any

import cocotb
from cocotb.queue import Queue
from cocotb.simtime import get_sim_time
from cocotb.triggers import ClockCycles
from cocotbext.axi.axi_slave import AxiSlaveRead, AxiSlaveWrite

from cocotb_tests.protocol.external_memory import ExternalMemory
from crisp_sim.core.clocking import CLOCK_PERIOD_NS

BURSTS = 8
"""Addresses that are accepted while the first of their bursts waits."""


class LateQueue(Queue):
    """Hands out an item ``latency() - 1`` cycles after it was put in: in the next one it is on the bus."""

    def __init__(self, clock: Any, latency: Callable[[], int]):
        super().__init__()
        self.clock, self.latency = clock, latency

    def _put(self, item: Any) -> None:
        super()._put((item, _cycle() + self.latency() - 1))

    async def get(self) -> Any:
        """Wait for the next item."""
        item, due = await super().get()
        if due > _cycle():
            await ClockCycles(self.clock, due - _cycle())
        return item


def _cycle() -> int:
    return round(get_sim_time("ns")) // CLOCK_PERIOD_NS


class LateRead(AxiSlaveRead):
    """Reads of ``memory``, whose first beats come ``read_latency`` cycles after their addresses."""

    def __init__(self, bus: Any, clock: Any, reset: Any, memory: ExternalMemory):
        self._memory = memory
        super().__init__(bus, clock, reset, memory)
        self.ar_channel.queue = LateQueue(clock, lambda: memory.read_latency)
        self.ar_channel.queue_occupancy_limit = BURSTS
        self._send, self.r_channel.send = self.r_channel.send, self._send_beat

    async def _send_beat(self, beat: Any) -> None:
        if beat.rresp:
            beat.rresp = self._memory.error
        await self._send(beat)


class LateWrite(AxiSlaveWrite):
    """Writes to ``memory``, whose answers come ``write_latency`` cycles after the last beats."""

    def __init__(self, bus: Any, clock: Any, reset: Any, memory: ExternalMemory):
        self._memory = memory
        self._answers = LateQueue(clock, lambda: memory.write_latency)
        self._forwarder: Any = None
        super().__init__(bus, clock, reset, memory)
        self._send, self.b_channel.send = self.b_channel.send, self._answers.put

    def _handle_reset(self, state: bool) -> None:
        super()._handle_reset(state)
        if self._forwarder:
            self._forwarder.cancel()
            self._forwarder = None
        while not self._answers.empty():
            self._answers.get_nowait()
        if not state:
            self._forwarder = cocotb.start_soon(self._forward())

    async def _forward(self) -> None:
        while True:
            answer = await self._answers.get()
            if answer.bresp:
                answer.bresp = self._memory.error
            await self._send(answer)

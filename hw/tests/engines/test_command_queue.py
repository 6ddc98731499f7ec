"""Command queue: commands in order, the head two cycles after the one before has left, the oldest index."""

from random import Random
from typing import Any

from crisp_hw.control.engine_commands import QUEUE_DEPTH
from crisp_hw.engines.command_queue import NO_COMMAND, CommandQueue
from crisp_spec.dma_latencies import HEAD_INTERVAL
from hw.tests.agents import Source, clock
from hw.tests.simulate import simulate


class Head:
    """Looks at the command at the head for a random while before it leaves."""

    def __init__(self, queue: CommandQueue, rng: Random, chance: float):
        self.queue, self.rng, self.chance = queue, rng, chance
        self.commands: list[tuple[int, int]] = []
        self.came: list[int] = []
        self.oldest: list[int] = []
        self.cycle, self.leaves, self.valid = 0, False, False

    def set_ports(self, ctx: Any) -> None:
        self.leaves = bool(ctx.get(self.queue.valid)) and self.rng.random() < self.chance
        ctx.set(self.queue.next, self.leaves)

    def observe(self, ctx: Any) -> None:
        queue = self.queue
        valid = bool(ctx.get(queue.valid))
        shown = ctx.get(queue.head.index), ctx.get(queue.head.offset)
        if valid and not self.valid:
            self.commands.append(shown)
            self.came.append(self.cycle)
        assert not valid or shown == self.commands[-1], "the head must not change"
        self.oldest.append(ctx.get(queue.oldest))
        self.valid = valid and not self.leaves
        self.cycle += 1


def run(chance: float, offered: float, count: int = 30) -> tuple[Source, Head]:
    rng, queue = Random(1), CommandQueue("load")
    commands = Source(
        queue.i, [{"index": 7 + i, "offset": 3 * i} for i in range(count)], rng=rng, chance=offered
    )
    head = Head(queue, rng, chance)

    async def bench(ctx):
        for _ in range(40 * count):
            await clock(ctx, [commands, head])
        assert ctx.get(queue.empty) == (not commands.items)

    simulate(queue, bench)
    return commands, head


def test_commands_come_whole_and_in_order():
    for chance, offered in ((1.0, 1.0), (0.2, 1.0), (1.0, 0.2), (0.4, 0.4)):
        _, head = run(chance, offered)
        assert head.commands == [(7 + i, 3 * i) for i in range(30)]
        first = head.oldest.index(7)
        assert set(head.oldest[:first]) <= {NO_COMMAND}
        assert head.oldest[-1] == NO_COMMAND
        assert not head.valid


def test_the_next_command_is_at_the_head_after_the_declared_interval():
    _, head = run(1.0, 1.0)
    assert {b - a for a, b in zip(head.came, head.came[1:], strict=False)} == {HEAD_INTERVAL}


def test_as_many_commands_wait_as_the_program_may_count_on():
    commands, head = run(0.0, 1.0)
    assert len(head.commands) == 1
    assert len(commands.sent) == QUEUE_DEPTH + 1

# amaranth: UnusedElaboratable=no
"""Queue between streams: order, capacity, latency."""

from random import Random

import pytest

from crisp_hw.bus.stream_queue import StreamQueue
from crisp_spec.errors import ConfigError
from hw.tests.agents import Sink, Source, run_agents


def pass_through(queue: StreamQueue, items: list[int], *, offered: float = 1.0, accepted: float = 1.0):
    rng = Random(7)
    source = Source(queue.i, items, rng=rng, chance=offered)
    sink = Sink(queue.o, rng=rng, chance=accepted)
    run_agents(queue, [source, sink], lambda: len(sink.items) >= len(items), limit=20 * len(items) + 50)
    return source, sink


@pytest.mark.parametrize("registered", [False, True])
@pytest.mark.parametrize("offered", [0.3, 1.0])
@pytest.mark.parametrize("accepted", [0.3, 1.0])
def test_everything_comes_out_once_and_in_order(registered, offered, accepted):
    items = [Random(1).randrange(256) for _ in range(100)]
    queue = StreamQueue(8, 4, registered=registered)
    _, sink = pass_through(queue, items, offered=offered, accepted=accepted)
    assert sink.items == items


@pytest.mark.parametrize(("registered", "latency"), [(False, 1), (True, 2)])
def test_latency_and_one_item_per_cycle(registered, latency):
    source, sink = pass_through(StreamQueue(8, 4, registered=registered), list(range(20)))
    assert sink.cycles == [cycle + latency for cycle in source.sent]
    assert source.sent == list(range(20))


@pytest.mark.parametrize(("registered", "room"), [(False, 4), (True, 5)])
def test_capacity(registered, room):
    queue = StreamQueue(8, 4, registered=registered)
    source = Source(queue.i, range(20), rng=Random(1))
    sink = Sink(queue.o, rng=Random(1), chance=0.0)
    run_agents(queue, [source, sink], lambda: source.cycle == 20, limit=21)
    assert len(source.sent) == room


@pytest.mark.parametrize("depth", [0, 1, 3])
def test_depth_must_be_a_power_of_two(depth):
    with pytest.raises(ConfigError, match=rf"`depth` must be a power of 2 and at least 2, not {depth}"):
        StreamQueue(8, depth)

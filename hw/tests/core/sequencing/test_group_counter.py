"""The group counter against the loops that it stands for."""

from itertools import product
from typing import Any

import pytest

from crisp_golden.stimuli.small_cores import small_core
from crisp_hw.core.sequencing.group_counter import GroupCounter
from hw.tests.simulate import trace

CONFIG = small_core(2, 2, 2, 4, tile_depth=8)
OUTPUTS = ["computing", "depth", "n", "group_begins", "group_ends", "goes_on", "last_fetch"]
SETTLING = 2


def run(n: int, depths: tuple[int, int], events: list[dict[str, int]]) -> list[dict[str, Any]]:
    """What comes out in the cycle of each event and behind it."""
    job = {"n": n, "depth_full": depths[0], "depth_last": depths[1]}
    frames = [{"job": job}, *[{}] * (SETTLING - 1), *events]
    return trace(GroupCounter(CONFIG), frames, OUTPUTS)[SETTLING:]


def begin(last_pixels: int) -> dict[str, int]:
    return {"begins": 1, "last_pixels": last_pixels}


@pytest.mark.parametrize(("n", "depth", "last"), list(product((1, 2, 4), (1, 2, 3, 8), (0, 1))))
def test_a_window_takes_n_beats_for_every_group(n: int, depth: int, last: int):
    depths = (depth, 5) if not last else (5, depth)
    seen = run(n, depths, [begin(last), *[{"begins": 0}] * (n * depth + 3)])
    beats = [
        {
            "computing": 1,
            "depth": group,
            "n": slot,
            "group_begins": int(slot == 0),
            "group_ends": int(slot == n - 1),
            "goes_on": int(slot == n - 1 and group < depth - 1),
        }
        for group in range(depth)
        for slot in range(n)
    ]
    found = [{name: frame[name] for name in beats[0]} for frame in seen]
    assert found[1 : 1 + len(beats)] == beats
    assert not any(
        frame["computing"] or frame["group_ends"] for frame in [found[0], *found[1 + len(beats) :]]
    )


@pytest.mark.parametrize("n", [1, 2, 4])
def test_windows_follow_each_other_without_a_gap(n: int):
    depth, windows = 2, 3
    frames = [{"begins": int(cycle in (0, 2 * n, 4 * n))} for cycle in range(2 * n * windows + 3)]
    seen = run(n, (depth, 1), frames)
    places = [(frame["depth"], frame["n"]) for frame in seen if frame["computing"]]
    assert places == list(product(range(depth), range(n))) * windows
    assert [frame["computing"] for frame in seen] == [0, *[1] * (2 * n * windows), 0, 0]


@pytest.mark.parametrize("depth", [1, 2, 3, 8])
def test_a_residual_is_fetched_group_by_group_behind_a_window(depth: int):
    n = 2
    idle = [{"begins": 0}] * (n * depth + 1)
    seen = run(n, (depth, 5), [begin(0), *idle, *[{"fetching": 1}] * depth, {"fetching": 0}])
    fetches = seen[1 + len(idle) :][:depth]
    assert [frame["depth"] for frame in fetches] == list(range(depth))
    # Seen from the cycle before the first fetch, and from each but the last.
    announced = [frame["last_fetch"] for frame in seen[len(idle) :][:depth]]
    assert announced == [0] * (depth - 1) + [1]

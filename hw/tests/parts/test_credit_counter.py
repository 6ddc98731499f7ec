"""Credit counter: random gives and takes against an integer."""

from random import Random

import pytest

from crisp_hw.parts.credit_counter import CreditCounter
from hw.tests.simulate import trace


@pytest.mark.parametrize(("limit", "initial"), [(1, 0), (1, 1), (8, 0), (8, 8), (31, 5)])
def test_credits_are_counted(limit: int, initial: int):
    rng, count = Random(1), initial
    frames, expected, seen = [], [], set()
    for step in range(2000):
        rising = step // 400 % 2 == 0
        give = count < limit and rng.random() < (0.9 if rising else 0.2)
        take = count > 0 and rng.random() < (0.2 if rising else 0.9)
        frames.append({"give": int(give), "take": int(take)})
        expected.append({"available": int(count > 0), "count": count})
        seen.add(count)
        count += give - take
    assert seen == set(range(limit + 1))
    assert trace(CreditCounter(limit, initial=initial), frames, ["available", "count"]) == expected

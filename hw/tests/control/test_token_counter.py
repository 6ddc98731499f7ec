"""Token counter: random puts and takes against an integer."""

from random import Random

from crisp_golden.program.commands import TOKEN_LIMIT
from crisp_hw.control.token_counter import TokenCounter
from hw.tests.simulate import trace


def test_tokens_are_counted():
    rng, count = Random(1), 0
    frames, expected = [], []
    for step in range(2000):
        rising = step // 400 % 2 == 0
        give = count < TOKEN_LIMIT and rng.random() < (0.9 if rising else 0.2)
        take = count > 0 and rng.random() < (0.2 if rising else 0.9)
        frames.append({"give": int(give), "take": int(take)})
        expected.append({"available": int(count > 0)})
        count += give - take
    assert trace(TokenCounter(), frames, ["available"]) == expected

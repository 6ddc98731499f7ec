"""The cycle counters against a list of causes."""

from collections import Counter

import numpy as np

from crisp_hw.core.sequencing.cycle_counters import CycleCounters
from crisp_spec.cycle_causes import CORE_CAUSES
from hw.tests.simulate import trace

CAUSES = list(CORE_CAUSES)


def test_every_cycle_is_counted_for_its_cause_one_cycle_later():
    rng = np.random.default_rng(5)
    numbers = rng.integers(0, len(CAUSES), 200).tolist()
    frames = [{"cause": 1 << number} for number in numbers]
    seen = trace(CycleCounters(), [*frames, {"cause": 0}, {}, {}], ["counters"])
    for cycle in range(2, len(seen)):
        counted = Counter(CAUSES[number] for number in numbers[: cycle - 1])
        assert seen[cycle]["counters"] == {cause: counted[cause] for cause in CAUSES}, f"cycle {cycle}"


def test_a_job_after_a_rest_counts_its_first_and_its_last_cycle_at_once():
    frames = [*[{"cause": 1 << CAUSES.index("drain")}] * 9, {"cause": 0}, {"anew": 1}, {"anew": 0}, {}]
    before, after = (trace(CycleCounters(), frames, ["counters"])[cycle]["counters"] for cycle in (10, 11))
    assert before == dict.fromkeys(CAUSES, 0) | {"drain": 9}
    assert after == dict.fromkeys(CAUSES, 0) | {"prologue": 1, "flush": 1}

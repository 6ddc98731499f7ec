"""The causes of cycles have the names under which the cycle model and the registers count them."""

from dataclasses import fields

from crisp_golden.cycles.core_cycles import CycleCount
from crisp_golden.cycles.program_causes import CAUSES
from crisp_spec.cycle_causes import CORE_CAUSES, PROGRAM_CAUSES
from crisp_spec.registers import COUNTERS


def test_the_cycle_model_counts_the_causes_of_the_core_in_their_order():
    assert [field.name for field in fields(CycleCount)] == list(CORE_CAUSES)
    assert list(CORE_CAUSES) == [cause for cause in CAUSES if cause not in ("wait", "idle")]


def test_every_cause_of_a_program_has_a_register():
    causes = [(name, doc) for name, doc in COUNTERS if name in PROGRAM_CAUSES]
    assert causes == list(PROGRAM_CAUSES.items())

"""Every block of the core is given the fields of a job that it reads, and together they read all of them."""

import numpy as np

from crisp_hw.core.array.output_lane import LEVELS_LAYOUT
from crisp_hw.core.decoder import BlockIndexDecoder
from crisp_hw.core.job import JOB_LAYOUT, job_layout
from crisp_hw.core.loader import WeightLoader
from crisp_hw.core.outputs.writer import OutputWriter
from crisp_hw.core.sequencing.sequencer import Sequencer
from crisp_spec.commands import EXECUTE, JOB_FIELDS
from crisp_spec.fields import pack_fields

BLOCKS = (BlockIndexDecoder, Sequencer, WeightLoader, OutputWriter)


def test_the_job_is_an_execute_command_without_what_the_dispatcher_needs():
    names = [field.name for field in EXECUTE]
    tokens = ["opcode", "wait_load", "wait_store", "signal_load", "signal_store"]
    assert names == [*tokens, *JOB_LAYOUT.members]


def test_a_layout_places_fields_as_they_are_packed():
    rng = np.random.default_rng(0)
    for _ in range(20):
        fields = [field for field in JOB_FIELDS if rng.random() < 0.5]
        values = {field.name: int(rng.integers(field.limits[0], field.limits[1] + 1)) for field in fields}
        layout = job_layout(rng.permutation([field.name for field in fields]).tolist() * 2)
        assert list(layout.members) == [field.name for field in fields]
        assert layout.const(values).as_bits() == pack_fields(fields, values)


def test_no_field_is_unread():
    """The core itself reads the zero point of the input."""
    read = {"x_zero_point", *LEVELS_LAYOUT.members}.union(*(block.job_fields for block in BLOCKS))
    assert read == set(JOB_LAYOUT.members)

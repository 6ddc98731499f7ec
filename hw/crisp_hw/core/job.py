"""The fields of a job as the core's components read them: each declares those that it needs."""

from collections.abc import Iterable

from amaranth.lib import data

from crisp_hw.parts.field_layouts import fields_layout
from crisp_spec.commands import JOB_FIELDS

JOB_LAYOUT = fields_layout(JOB_FIELDS)
"""All fields of a job, see ``crisp_spec.commands``."""


def job_layout(names: Iterable[str]) -> data.StructLayout:
    """The fields of a job that are named, each once, in the order of their declaration."""
    return fields_layout(JOB_FIELDS, names)

"""Execute engine: runs the compute core."""

from amaranth.hdl import Module
from amaranth.lib.wiring import Out

from crisp_hw.core.signatures import JobSignature
from crisp_hw.engines.engine import Engine
from crisp_hw.engines.job_control import JobControl
from crisp_hw.parts.field_layouts import same_fields


class ExecuteEngine(Engine):
    """Starts the core for every command, as early as the core takes the start.

    A command that finds its tokens in cycle 0 starts the core in cycle 1; the core works on it from cycle 2
    on. One cycle after the job's last one its tokens are put down.

    Members
    -------
    As in ``Engine``, and
    job : Out(JobSignature), to the core.
    """

    name = "execute"

    def __init__(self):
        super().__init__({"job": Out(JobSignature())})

    def elaborate(self, platform):
        m = Module()
        waits, signals = self.counts
        control = JobControl(waits=waits, signals=signals)
        command = self.add_control(m, platform, control)
        m.d.comb += [
            *same_fields(self.job.fields, command),
            self.job.start.eq(control.start),
            control.ready.eq(self.job.ready),
            control.done.eq(self.job.done),
        ]
        with m.If(control.ending):
            m.d.comb += self.oldest.eq(control.ending_index)
        return m

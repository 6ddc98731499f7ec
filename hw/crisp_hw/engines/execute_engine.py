"""Execute engine: runs the compute core."""

from amaranth.hdl import Module
from amaranth.lib.wiring import Out

from crisp_hw.core.payloads import JOB_LAYOUT
from crisp_hw.core.signatures import JobSignature
from crisp_hw.engines.engine_port import connect_control, engine_members
from crisp_hw.engines.execute_control import ExecuteControl
from crisp_hw.parts.sharing import Shareable


class ExecuteEngine(Shareable):
    """Starts the core for every command, as early as the core takes the start.

    A command that finds its tokens in cycle 0 starts the core in cycle 1; the core works on it from cycle 2
    on. One cycle after the job's last one its tokens are put down.

    Members
    -------
    See ``engine_members``, and
    job : Out(JobSignature), to the core.
    """

    def __init__(self):
        super().__init__(
            {
                **engine_members("execute"),
                "job": Out(JobSignature()),
            }
        )

    def elaborate(self, platform):
        m = Module()
        control, command = connect_control(m, platform, self, "execute", ExecuteControl)
        m.d.comb += [
            *[self.job.fields[name].eq(command[name]) for name in JOB_LAYOUT.members],
            self.job.start.eq(control.start),
            control.ready.eq(self.job.ready),
            control.done.eq(self.job.done),
        ]
        with m.If(control.ending):
            m.d.comb += self.oldest.eq(control.ending_index)
        return m

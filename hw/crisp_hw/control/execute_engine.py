"""Execute engine: runs the compute core."""

from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from crisp_hw.control.engine_port import connect_control, engine_members
from crisp_hw.layouts import JOB_LAYOUT


class ExecuteEngine(wiring.Component):
    """Starts the core for every command, and waits for it.

    A command that finds its tokens in cycle 0 starts the core in cycle 1; the core is busy from cycle 2 on.
    One cycle after it is no more, ``finished`` is high, and the tokens are put down.

    Members
    -------
    See ``engine_members``, and
    job : Out(JOB_LAYOUT), stable from ``start`` to ``finished``.
    start : Out(1); busy : In(1), of the core; finished : Out(1), a job has ended, its counters are final.
    """

    module_name = "execute_engine"

    def __init__(self):
        super().__init__(
            {
                **engine_members("execute"),
                "job": Out(JOB_LAYOUT),
                "start": Out(1),
                "busy": In(1),
                "finished": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        control, command = connect_control(m, platform, self, "execute")
        m.d.comb += [
            *[self.job[name].eq(command[name]) for name in JOB_LAYOUT.members],
            self.start.eq(control.start),
            control.finished.eq(~self.busy),
            self.finished.eq(control.succeeded),
        ]
        return m

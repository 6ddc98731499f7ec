# amaranth: UnusedElaboratable=no
"""Signatures of the core: its ports under their Verilog names, and users that fit it."""

import pytest
from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from crisp_hw.bus.signatures import flat_ports
from crisp_hw.core.core import CrispCore
from crisp_hw.core.signatures import FillSignature, JobSignature, ReadSignature
from crisp_spec.config import PRESETS, CoreConfig
from hw.tests.engines.tensors import CONFIGS

INPUTS = {
    *("job_fields", "job_start", "fill_en", "fill_memory", "fill_address", "fill_data"),
    *("read_valid", "read_row", "read_next_row", "read_rotation"),
}
OUTPUTS = {
    *("job_ready", "job_done", "fill_ready", "read_ready", "read_done", "read_data"),
    *("busy", "counters", "counted", "starved"),
}


class User(wiring.Component):
    """Whoever starts jobs, fills memories and reads them."""

    def __init__(self, config: CoreConfig):
        super().__init__(
            {
                "job": Out(JobSignature()),
                "fill": Out(FillSignature(config)),
                "read": Out(ReadSignature(config)),
            }
        )

    def elaborate(self, platform):
        return Module()


def connect(user: User, core: CrispCore) -> None:
    m = Module()
    wiring.connect(m, user.job, core.job)
    wiring.connect(m, user.fill, core.fill)
    wiring.connect(m, user.read, core.read)


@pytest.mark.parametrize("name", PRESETS)
def test_a_core_has_these_ports_and_fits_its_user(name):
    config = PRESETS[name]
    core = CrispCore(config)
    ports = flat_ports(core)
    assert {port for port, (_, flow) in ports.items() if flow is In} == INPUTS
    assert {port for port, (_, flow) in ports.items() if flow is Out} == OUTPUTS
    assert len(ports["read_data"][0]) == config.cols * config.word_bits
    connect(User(config), core)


def test_the_user_of_another_core_is_refused():
    with pytest.raises(wiring.ConnectionError, match="shape widths \\(64 and 256\\) do not match"):
        connect(User(CONFIGS["wide"]), CrispCore(CONFIGS["narrow"]))

"""Devices are written once per content of sources and configuration, and named when they do not exist."""

from dataclasses import replace
from pathlib import Path

import pytest

from crisp_files.source_files import source_files, sources_hash
from crisp_sim import devices
from crisp_sim.devices import DEVICES, WRITER, core_verilog, device_verilog
from crisp_sim.simulators.verilog_top import top_ports
from crisp_spec.config import preset
from crisp_spec.errors import ConfigError

INVERTER = """
from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out


class WordInverter(wiring.Component):
    def __init__(self, config):
        super().__init__({"value": In(config.lanes), "inverse": Out(config.lanes)})

    def elaborate(self, platform):
        m = Module()
        m.d.sync += self.inverse.eq(~self.value)
        return m
"""


@pytest.fixture
def writes(monkeypatch) -> list[str]:
    """Replace the generator by one that only notes what it was asked for."""
    asked = []

    def write(component, top, path):
        asked.append(top)
        path.write_text(f"module {top}();\nendmodule\n")

    monkeypatch.setattr(devices, "write_verilog", write)
    monkeypatch.setattr(devices, "_component", lambda *names: None)
    return asked


@pytest.fixture
def package(monkeypatch, tmp_path) -> Path:
    """A package with a device of its own."""
    folder = tmp_path / "crisp_extras"
    folder.mkdir()
    for name, text in {"__init__": "", "inverter": INVERTER, "other": ""}.items():
        (folder / f"{name}.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    sources_hash.cache_clear()
    return folder


@pytest.mark.parametrize("top", [top for top in DEVICES if top != "crisp_core"])
def test_a_device_has_a_clock_and_its_own_name(top, tmp_path):
    verilog = device_verilog(top, preset("tiny"), tmp_path).read_text()
    assert {"clk", "rst"} <= {port.name for port in top_ports(verilog, top)}


def test_a_device_is_written_once(writes, tmp_path):
    first = core_verilog(preset("tiny"), tmp_path)
    assert core_verilog(preset("tiny"), tmp_path) == first
    assert writes == ["crisp_core"]
    assert first.read_text().startswith("module crisp_core")


def test_every_configuration_and_device_has_its_own_file(writes, tmp_path):
    tiny = preset("tiny")
    paths = {
        device_verilog(top, config, tmp_path)
        for top in ("crisp_core", "crisp_decoder")
        for config in (tiny, replace(tiny, tile_depth=8), preset("small"))
    }
    assert len(paths) == len(writes) == 6


@pytest.mark.parametrize(
    ("edited", "changes"), [("inverter.py", True), ("__init__.py", True), ("other.py", False)]
)
def test_an_edit_of_what_a_device_depends_on_writes_it_again(package, writes, tmp_path, edited, changes):
    device = "crisp_extras.inverter:WordInverter"
    before = device_verilog(device, preset("tiny"), tmp_path)
    with (package / edited).open("a") as file:
        file.write("# edited\n")
    sources_hash.cache_clear()
    assert (device_verilog(device, preset("tiny"), tmp_path) != before) == changes
    assert writes == ["word_inverter"] * (1 + changes)


def test_a_bench_may_bring_its_device_along(package, tmp_path):
    verilog = device_verilog("crisp_extras.inverter:WordInverter", preset("tiny"), tmp_path).read_text()
    assert {"clk", "rst", "value", "inverse"} == {port.name for port in top_ports(verilog, "word_inverter")}


def sources_of(device: str) -> set[str]:
    """Dotted names of the modules on which a device depends."""
    return set(source_files(DEVICES[device].partition(":")[0], WRITER))


def test_a_device_depends_on_what_it_imports_and_on_its_writer():
    assert sources_of("crisp_stc") >= {
        "crisp_hw.core.sequencing.sequencer",
        "crisp_hw.cells.block_ram",
        "crisp_hw.build.verilog",
        "crisp_spec.config",
        "crisp_spec.memories",
    }
    lane = sources_of("crisp_lane")
    assert {"crisp_hw.core.array.lane", "crisp_hw.cells.multiplier", "crisp_hw.parts.sharing"} <= lane
    assert not lane & {"crisp_hw.core.decoder", "crisp_hw.core.array.output_lane", "crisp_hw.accelerator"}


@pytest.mark.parametrize("device", DEVICES)
def test_no_device_depends_on_the_reference_the_simulation_or_the_flow_for_fpgas(device):
    others = ("crisp_golden", "crisp_sim", "crisp_sw", "crisp_hw.build.fpga", "crisp_hw.build.lint")
    assert [name for name in sources_of(device) if name.startswith(others)] == []


def test_an_unknown_device_is_named(tmp_path):
    message = "^no device 'crisp_cpu'; expected one of crisp_activation_memory, .*, or `module:Class`$"
    with pytest.raises(ConfigError, match=message):
        device_verilog("crisp_cpu", preset("tiny"), tmp_path)
    message = r"^no device 'crisp_hw\.cpu:Cpu': there is no module 'crisp_hw\.cpu' in a package$"
    with pytest.raises(ConfigError, match=message):
        device_verilog("crisp_hw.cpu:Cpu", preset("tiny"), tmp_path)
    assert not list(Path(tmp_path).iterdir())

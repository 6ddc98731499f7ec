"""Devices are written once per content of sources and configuration, and named when they do not exist."""

from dataclasses import replace
from pathlib import Path

import pytest

from crisp_sim import devices
from crisp_sim.devices import DEVICES, core_verilog, device_verilog, sources_hash
from crisp_sim.simulators.verilog_top import top_ports
from crisp_spec.config import preset
from crisp_spec.errors import ConfigError


@pytest.fixture
def writes(monkeypatch) -> list[str]:
    """Replace the generator by one that only notes what it was asked for."""
    asked = []

    def write(component, top, path):
        asked.append(top)
        path.write_text(f"module {top}();\nendmodule\n")

    monkeypatch.setattr(devices, "write_verilog", write)
    monkeypatch.setattr(devices, "DEVICES", dict.fromkeys(DEVICES, lambda config: None))
    return asked


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


def test_a_change_of_a_source_writes_the_device_again(writes, tmp_path, monkeypatch):
    before = core_verilog(preset("tiny"), tmp_path)
    monkeypatch.setattr(devices, "sources_hash", lambda: "another")
    assert core_verilog(preset("tiny"), tmp_path) != before
    assert len(writes) == 2


def test_the_hash_covers_generator_and_contract():
    sources = {path.name for path in devices._generator_sources()}
    assert {"core.py", "sequencer.py", "block_ram.py", "config.py", "memories.py", "timing.py"} <= sources
    assert "convolution.py" not in sources
    assert len(sources_hash()) == 64


def test_an_unknown_device_is_named(tmp_path):
    with pytest.raises(ConfigError, match="no device 'crisp_cpu'; expected one of crisp_activation_memory, "):
        device_verilog("crisp_cpu", preset("tiny"), tmp_path)
    assert not list(Path(tmp_path).iterdir())

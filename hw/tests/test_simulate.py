"""Waves of a unit test are recorded where the environment asks for them."""

import pytest
from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hw.tests import simulate
from hw.tests.simulate import trace


class Register(wiring.Component):
    """Keeps what it is given for a cycle."""

    def __init__(self):
        super().__init__({"i": In(8), "o": Out(8)})

    def elaborate(self, platform):
        m = Module()
        m.d.sync += self.o.eq(self.i)
        return m


@pytest.mark.parametrize("value", ["1", "0", ""])
def test_waves_are_recorded_if_the_environment_asks_for_them(value: str, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("WAVES", value)
    monkeypatch.setattr(simulate, "WAVES", tmp_path / "waves")
    for _ in range(2):
        assert trace(Register(), [{"i": 3}, {}], ["o"]) == [{"o": 0}, {"o": 3}]
    files = sorted((tmp_path / "waves").glob("*"))
    assert len(files) == (2 if value == "1" else 0)
    told = capsys.readouterr().out
    for number, file in enumerate(files):
        assert file.name.startswith("test_simulate.py_test_waves_are_recorded")
        assert file.name.endswith(f".{number}.vcd")
        assert str(file) in told
        assert "b11 " in file.read_text()

"""Without a terminal a long command says lines, on one it draws bars; both say what time is left."""

import io

import pytest

from crisp_cli import terminal
from crisp_cli.plain_console import PlainConsole
from crisp_cli.terminal import step_display
from sw.tests.cli.runner import crisp


def test_a_log_has_a_line_for_each_stage(digits_checkpoint):
    result = crisp("evaluate", digits_checkpoint)
    assert result.stderr.splitlines() == ["accuracy: 360 of 360"]


@pytest.mark.parametrize("is_terminal", [True, False])
def test_bars_are_for_terminals(monkeypatch, is_terminal):
    shown = io.StringIO()
    console = PlainConsole(file=shown, width=120, force_terminal=is_terminal, color_system=None)
    monkeypatch.setattr(terminal, "messages", console)
    with step_display() as progress:
        for done in range(3):
            progress("pruning", done, 4)
    assert ("0:00:00" in shown.getvalue()) is is_terminal
    assert ("pruning: 0 of 4\n" in shown.getvalue()) is not is_terminal

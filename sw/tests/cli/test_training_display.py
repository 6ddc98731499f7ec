"""What a training run prints."""

import io

from crisp_cli.plain_console import PlainConsole
from crisp_cli.training_display import training_display
from crisp_sw.train.state import EpochReport
from crisp_sw.train.training import TrainingProgress


def test_one_line_for_each_epoch():
    output = io.StringIO()
    with training_display(PlainConsole(file=output, width=100)) as show:
        show(TrainingProgress(step=1, steps=4, loss=2.0))
        show(
            TrainingProgress(step=2, steps=4, loss=1.5, report=EpochReport(epoch=1, loss=1.75, accuracy=0.5))
        )
    assert output.getvalue().splitlines() == [
        "training: 1 of 4, loss 2.000",
        "epoch   1  loss 1.7500  test accuracy 50.00%",
    ]


def test_a_terminal_has_a_bar_with_the_time_that_is_left():
    output = io.StringIO()
    console = PlainConsole(file=output, width=100, force_terminal=True, color_system=None)
    with training_display(console) as show:
        for step in range(1, 4):
            show(TrainingProgress(step=step, steps=4, loss=2.0))
    assert "3/4" in output.getvalue()
    assert "0:00:0" in output.getvalue()

"""What a training run prints."""

import io

from crisp_sw.plain_console import PlainConsole
from crisp_sw.training import TrainingProgress
from crisp_sw.training_display import training_display
from crisp_sw.training_state import EpochReport


def test_one_line_for_each_epoch():
    output = io.StringIO()
    with training_display(PlainConsole(file=output, width=100)) as show:
        show(TrainingProgress(step=1, steps=4, loss=2.0))
        show(
            TrainingProgress(step=2, steps=4, loss=1.5, report=EpochReport(epoch=1, loss=1.75, accuracy=0.5))
        )
    assert "epoch   1  loss 1.7500  test accuracy 50.00%" in output.getvalue()

"""Chart of how full the memories on the chip are over a run."""

from collections.abc import Mapping
from html import escape

from crisp_sw.programs.memory_use import MemoryUse
from crisp_sw.report.charts.plot_area import horizontal, plot, round_step, stretched, vertical
from crisp_sw.report.numbers import count, percent, size

HEIGHT, TOP, BOTTOM = 190, 8, 24
UNITS = 1000
NAMES = {"activation": "activation memory", "weight": "weight memory"}


def memory_chart(memory: Mapping[str, MemoryUse], cycles: int) -> str:
    """An area per memory over the cycles of the run, up to its capacity.

    Parameters
    ----------
    memory : by the names of `NAMES`.
    """
    return "".join(_area(NAMES[name], memory[name], cycles) for name in NAMES)


def _area(name: str, use: MemoryUse, cycles: int) -> str:
    capacity, used, bottom = use.capacity, use.used, HEIGHT - TOP - BOTTOM
    step = UNITS / len(used)
    heights = [bottom * (1 - value / capacity) for value in used]
    outline = "".join(f"V{height:.1f}H{step * (i + 1):.1f}" for i, height in enumerate(heights))
    shape = stretched(
        UNITS, bottom, f'<path class="taken" d="M0 {bottom}{outline}V{bottom}Z"/>', top=TOP, pixels=bottom
    )
    mark = round_step(cycles / 4)
    grid = "".join(
        vertical(100 * at / cycles, TOP, TOP + bottom, count(at)) for at in range(0, cycles + 1, mark)
    )
    levels = "".join(horizontal(TOP + bottom * (1 - share), percent(share, 0)) for share in (0, 0.5, 1))
    fullest = f"{size(use.peak)} of {size(capacity)}, {percent(use.peak / capacity, 0)}, at most"
    return (
        f'<h3>{escape(name)} <span class="soft">{escape(fullest)}</span></h3>'
        f"{plot(f'{name} over the run: {fullest}', HEIGHT, shape + levels + grid)}"
    )

"""The chart of the memories' use."""

import re

from crisp_sw.programs.memory_use import MemoryUse
from crisp_sw.report.charts.memory_chart import HEIGHT, memory_chart

MEMORY = {
    "activation": MemoryUse(capacity=2048, used=(0, 1024, 512, 512)),
    "weight": MemoryUse(capacity=1000, used=(1000, 0, 0, 0)),
}


def test_areas_are_in_proportion():
    html = memory_chart(MEMORY, 4000)
    first, second = re.findall(r'class="taken" d="M0 ([\d.]+)(.*?)Z"', html)
    bottom = float(first[0])
    heights = [float(height) for height in re.findall(r"V([\d.]+)H", first[1])]
    assert heights == [bottom, bottom / 2, bottom * 0.75, bottom * 0.75]
    assert [float(x) for x in re.findall(r"H([\d.]+)", first[1])] == [250, 500, 750, 1000]
    assert re.findall(r"V([\d.]+)H", second[1])[0] == "0.0"
    assert bottom < HEIGHT


def test_peaks_and_capacities_are_said():
    html = memory_chart(MEMORY, 4000)
    assert "1 KiB of 2 KiB, 50 %, at most" in html
    assert "1000 B of 1000 B, 100 %, at most" in html

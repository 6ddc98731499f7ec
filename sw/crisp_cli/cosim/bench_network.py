"""cocotb bench: every layer of a packed network, its input from the golden network, on the compute core."""

import re
import time
from collections.abc import Iterator
from pathlib import Path

import cocotb
import numpy as np

from crisp_cli.cosim.inputs import read_images
from crisp_files.json_values import to_json
from crisp_golden.arithmetic.inference import run_network
from crisp_golden.arithmetic.network import QuantizedConv, QuantizedNetwork
from crisp_golden.cycles.layer_report import layer_report
from crisp_golden.stimuli.layer_cases import LayerCase
from crisp_sim.core.cocotb_core import driven_core
from crisp_sim.core.core_driver import CoreDriver
from crisp_sim.core.layer_run import run_layer
from crisp_sim.runs.parameters import bench_parameters, record_measurements
from crisp_spec.config import CoreConfig
from crisp_sw.exchange.packed import load_network
from crisp_sw.results.layers import RtlLayer


@cocotb.test()
async def every_layer_runs(dut):
    """Parameters: config, network (folder), inputs (file), layers (pattern of names, or null).

    The verdicts are recorded, and judged by who started the bench, so that a report shows all layers.
    """
    parameters = bench_parameters()
    config = CoreConfig(**parameters["config"])
    driver = await driven_core(dut, config)
    network = load_network(Path(parameters["network"]))
    images = read_images(Path(parameters["inputs"]), network)
    rows = []
    for cases in layer_cases(network, images, parameters["layers"]):
        rows.append(await _run_layer(driver, cases))
        dut._log.info("layer %s", rows[-1])
        record_measurements({"layers": to_json(rows)})
    assert rows, f"no layer matches {parameters['layers']!r}"


def layer_cases(
    network: QuantizedNetwork, images: np.ndarray, names: str | None
) -> Iterator[list[LayerCase]]:
    """Yield for each convolution whose name matches ``names`` its case for every image, int8[B, C, H, W]."""
    tensors = run_network(network, images)
    for node in network.nodes:
        if not isinstance(node.layer, QuantizedConv) or (names and not re.search(names, node.name)):
            continue
        x, *residual = (tensors[name] for name in node.inputs)
        yield [
            LayerCase(layer=node.layer, x=x[i], residual=residual[0][i] if residual else None)
            for i in range(len(images))
        ]


async def _run_layer(driver: CoreDriver, cases: list[LayerCase]) -> RtlLayer:
    """Run one layer for every image."""
    layer, (_, height, width) = cases[0].layer, cases[0].x.shape
    started = time.perf_counter()
    results = [await run_layer(driver, case) for case in cases]
    exact = [np.array_equal(result.y, case.expected()) for result, case in zip(results, cases, strict=True)]
    counted = {result.counted for result in results}
    cycles = {result.clocked for result in results} | {count.total for count in counted}
    assert len(cycles) == 1, f"{layer.name}: counters and clock disagree, or images differ: {cycles}"
    return RtlLayer(
        **vars(layer_report(driver.config, layer, height, width)),
        cycles_rtl=cycles.pop(),
        cycles_by_cause=dict(vars(results[0].counted)),
        bit_exact=all(exact),
        images=len(cases),
        seconds=time.perf_counter() - started,
    )

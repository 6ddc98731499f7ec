"""The one list of the benches: ``crisp bench cocotb_tests.benches`` runs them."""

from crisp_sim.runs.registered_bench import RegisteredBench

BENCHES = (
    RegisteredBench(
        name="lane",
        summary="N:M lane: dot products for every N",
        device="crisp_lane",
        module="cocotb_tests.units.bench_lane",
        parameters={"groups": 400},
    ),
    RegisteredBench(
        name="decoder",
        summary="block-index decoder: every window of random lists, in order, under back-pressure",
        device="crisp_decoder",
        module="cocotb_tests.units.bench_decoder",
        parameters={"cases": 40},
    ),
    RegisteredBench(
        name="activation_memory",
        summary="banked activation memory: random reads and writes at every rotation",
        device="crisp_activation_memory",
        module="cocotb_tests.units.bench_activation_memory",
        parameters={"cycles": 4000},
    ),
    RegisteredBench(
        name="output_lane",
        summary="output stage: bias, requantization, residual and clamp",
        device="crisp_output_lane",
        module="cocotb_tests.units.bench_output_lane",
        parameters={"layers": 40, "outputs": 200},
    ),
    RegisteredBench(
        name="row_chain",
        summary="chain of array rows: multiply, accumulate and drain random tiles",
        device="cocotb_tests.units.row_chain:RowChain",
        module="cocotb_tests.units.bench_row_chain",
        parameters={"layers": 12, "tiles": 5},
        on_icarus={"layers": 4},
    ),
    RegisteredBench(
        name="core",
        summary="whole core: control, memory ports and counters",
        device="crisp_core",
        module="cocotb_tests.units.bench_core",
        tests=9,
    ),
    RegisteredBench(
        name="random_jobs",
        summary="whole core: any legal job, also while others use its activation memory",
        device="crisp_core",
        module="cocotb_tests.jobs.bench_jobs",
        tests=2,
        parameters={"first": 0, "jobs": 60},
        on_icarus={"jobs": 3},
    ),
    RegisteredBench(
        name="random_layers",
        summary="whole core: random layers, equal bits and equal cycles",
        device="crisp_core",
        module="crisp_sim.core.bench_random_layers",
        tests=2,
        parameters={"first": 0, "cases": 48, "size": 12},
        on_icarus={"cases": 4, "size": 6},
    ),
    RegisteredBench(
        name="protocol",
        summary="whole accelerator on its AXI ports: random programs, pauses, errors and resets",
        device="crisp_stc",
        module="cocotb_tests.protocol.bench_protocol",
        tests=7,
        parameters={"programs": 3},
        on_icarus={"programs": 1},
    ),
)

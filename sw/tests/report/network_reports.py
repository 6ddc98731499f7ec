"""A made-up report of a network's run, as ``crisp network`` writes it."""

from dataclasses import replace

from crisp_golden.cycles.memory_timing import MemoryTiming
from crisp_golden.cycles.program_causes import CAUSES
from crisp_spec.config import preset
from crisp_sw.programs.costs import ProgramCosts
from crisp_sw.programs.memory_use import MemoryUse
from crisp_sw.results.network_run import (
    Bound,
    BoundedGroup,
    ComparedLayers,
    Exactness,
    LayerCosts,
    LayerPattern,
    NetworkReport,
    RunLayer,
    RunTotals,
    UnitResult,
)

MEMORY = {name: MemoryUse(capacity=4096, used=(0, 1024, 512)) for name in ("activation", "weight")}


def group(names: list[str], *, compute: int, read: int, write: int = 10, lost: int = 100) -> BoundedGroup:
    """A group that takes ``lost`` cycles more than its bound, waiting."""
    bound = Bound(compute=compute, read=read, write=write)
    waiting = bound.cycles - compute + lost
    return BoundedGroup(
        stages=tuple(names),
        bands=4,
        prefetch=True,
        resident_in=False,
        resident_out=False,
        causes=dict.fromkeys(CAUSES, 0) | {"compute": compute, "wait": waiting},
        read=read,
        written=write,
        commands=10,
        bound=bound,
    )


def costs(cycles: int) -> LayerCosts:
    """What a layer takes that keeps the array busy but for a hundred cycles."""
    ideal = cycles - 100
    return LayerCosts(
        causes=dict.fromkeys(CAUSES, 0) | {"compute": ideal, "wait": 100},
        ideal=ideal,
        read=4096,
        written=0,
        commands=5,
        bound=Bound(compute=ideal, read=256, write=0),
    )


def layer(name: str, cycles: int, number: int = 0, exact: bool | None = True) -> RunLayer:
    """A layer of a 1:4 pattern."""
    return RunLayer(
        **vars(costs(cycles)),
        name=name,
        group=number,
        K=64,
        R=576,
        P=3136,
        n=1,
        kept_windows=40,
        windows=144,
        pattern=LayerPattern(n=1, m=4, block=16, kept_blocks=40, blocks=144),
        weights=36864,
        nonzero=2560,
        dense=costs(9 * cycles),
        exact=Exactness(iss=True, rtl=exact),
    )


def program(groups: list[BoundedGroup]) -> ProgramCosts:
    """A program of these groups."""
    return ProgramCosts(
        cycles=sum(entry.cycles for entry in groups),
        commands=1500,
        program_bytes=1500 * 32,
        image_bytes=1 << 20,
        scratch_bytes=0,
        read=3 << 20,
        written=2 << 20,
        causes={cause: sum(entry.causes[cause] for entry in groups) for cause in CAUSES},
    )


def made_up_report(*, rtl: bool = True, differing: int = 0) -> NetworkReport:
    """Three layers in two groups."""
    groups = [group(["conv1", "conv2"], compute=5000, read=900), group(["fc<&>"], compute=300, read=2000)]
    fused = program(groups)
    cycles, causes = fused.cycles, dict(fused.causes)
    counters = {**causes, "wait_load": causes["wait"], "wait_store": 0, "total": cycles + 7}
    part = UnitResult(
        unit="part 0", platform="iss", predicted=cycles, differing={"conv1": 0}, counters={}, seconds=1.0
    )
    whole = replace(
        part, unit="the whole network", platform="rtl", differing={"fc<&>": differing}, counters=counters
    )
    totals = RunTotals(
        layers=3,
        weights=110592,
        nonzero=7680,
        cycles_predicted=cycles,
        cycles_counted=cycles + 7 if rtl else None,
        counters=counters if rtl else None,
        dense_predicted=9 * cycles,
        dense_counted=None,
        unfused_predicted=2 * cycles,
        ideal=5300,
        bound=7000,
        bound_overlapped=6000,
        bound_unfused=8000,
        traffic=5 << 20,
        traffic_unfused=9 << 20,
        bit_exact=not differing,
        compared=ComparedLayers(iss=3, rtl=3 if rtl else 0),
        cycles_per_second=4e5 if rtl else None,
        simulated_cycles=12345,
    )
    return NetworkReport(
        network="resnet50",
        source="random weights, pruned by magnitude",
        preset="edge",
        command="crisp network resnet50",
        settings={"model": "resnet50", "rules": {"first": None}},
        memory=MemoryTiming(),
        clock_mhz=100.0,
        seconds=12.5,
        config=preset("edge"),
        input_shape=(3, 224, 224),
        memory_use=MEMORY,
        programs={"fused": fused},
        groups=tuple(groups),
        layers=(layer("conv1", 3000), layer("conv2", 2100), layer("fc<&>", 2100, 1, not differing)),
        parts=(("conv1", "conv2"),),
        runs=(part, whole) if rtl else (part,),
        totals=totals,
    )

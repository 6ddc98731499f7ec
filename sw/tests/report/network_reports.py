"""A made-up report of a network's run, as ``crisp network`` writes it."""

from typing import Any

from crisp_golden.cycles.program_causes import CAUSES


def group(names: list[str], *, compute: int, read: int, write: int = 10, lost: int = 100) -> dict[str, Any]:
    """A group that takes ``lost`` cycles more than its bound, waiting."""
    bound = max(compute, read, write)
    limit = "compute" if bound == compute else "read"
    causes = dict.fromkeys(CAUSES, 0) | {"compute": compute, "wait": bound - compute + lost}
    return {
        "stages": names,
        "bands": 4,
        "cycles": sum(causes.values()),
        "causes": causes,
        "bound": {"compute": compute, "read": read, "write": write, "cycles": bound, "limit": limit},
    }


def costs(cycles: int) -> dict[str, Any]:
    """What a layer takes that keeps the array busy but for a hundred cycles."""
    ideal = cycles - 100
    return {
        "cycles": cycles,
        "ideal": ideal,
        "utilization": ideal / cycles,
        "read": 4096,
        "written": 0,
        "bound": {"compute": ideal, "read": 256, "write": 0, "cycles": ideal, "limit": "compute"},
    }


def layer(name: str, cycles: int, number: int = 0, exact: bool | None = True) -> dict[str, Any]:
    """A layer of a 1:4 pattern."""
    return {
        "name": name,
        "group": number,
        **{"K": 64, "R": 576, "P": 3136, "n": 1, "kept_windows": 40, "windows": 144},
        "pattern": {"n": 1, "m": 4, "block": 16, "kept_blocks": 40, "blocks": 144},
        "weights": 36864,
        "nonzero": 2560,
        **costs(cycles),
        "dense": costs(9 * cycles),
        "exact": {"iss": True, "rtl": exact},
    }


def made_up_report(*, rtl: bool = True, differing: int = 0) -> dict[str, Any]:
    """Three layers in two groups."""
    groups = [group(["conv1", "conv2"], compute=5000, read=900), group(["fc<&>"], compute=300, read=2000)]
    cycles = sum(entry["cycles"] for entry in groups)
    causes = {cause: sum(entry["causes"][cause] for entry in groups) for cause in CAUSES}
    counters = {**causes, "wait_load": causes["wait"], "wait_store": 0, "total": cycles + 7}
    run = {"predicted": cycles, "counters": counters, "seconds": 1.0, "error": ""}
    runs = [
        {**run, "unit": "part 0", "platform": "iss", "differing": {"conv1": 0}, "cycles": 0},
        {**run, "unit": "the whole network", "platform": "rtl", "differing": {"fc<&>": differing}},
    ]
    runs[1]["cycles"] = cycles + 7
    for entry in runs:
        entry |= {"bit_exact": not any(entry["differing"].values()), "on_time": True}
    layers = [layer("conv1", 3000), layer("conv2", 2100), layer("fc<&>", 2100, 1, not differing)]
    return {
        "network": "resnet50",
        "source": "random weights, pruned by magnitude",
        "preset": "edge",
        "command": "crisp network resnet50",
        "settings": {"model": "resnet50", "rules": {"first": None}},
        "memory": {"read_latency": 40},
        "config": {"rows": 16, "cols": 4, "lanes": 4, "bus_bits": 128},
        "input_shape": [3, 224, 224],
        "memory_use": {
            name: {"capacity": 4096, "peak": 1024, "used": [0, 1024, 512]}
            for name in ("activation", "weight")
        },
        "programs": {"fused": {"causes": causes, "commands": 1500, "image_bytes": 1 << 20}},
        "groups": groups,
        "layers": layers,
        "parts": [["conv1", "conv2"]],
        "runs": runs if rtl else runs[:1],
        "totals": {
            "layers": 3,
            "weights": 110592,
            "nonzero": 7680,
            "cycles": cycles,
            "cycles_predicted": cycles,
            "cycles_counted": cycles + 7 if rtl else None,
            "counters": counters if rtl else None,
            "dense_predicted": 9 * cycles,
            "dense_counted": None,
            "unfused_predicted": 2 * cycles,
            "speedup": 9.0,
            "utilization": 0.7,
            "bound": 7000,
            "roofline": 0.97,
            "traffic": 5 << 20,
            "traffic_unfused": 9 << 20,
            "bit_exact": not differing,
            "compared": {"iss": 3, "rtl": 3 if rtl else 0},
            "cycles_per_second": 4e5 if rtl else None,
            "simulated_cycles": 12345,
        },
    }

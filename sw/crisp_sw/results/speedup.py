"""What speedup means, in every report, page and table."""


def speedup(cycles_dense: int | None, cycles: int) -> float | None:
    """How many times faster a sparse network is than the dense one on the same hardware.

    That is the cycles of its dense twin over its own, on the same core or accelerator, for one image. The
    twin has the same shapes and no weight that is zero: it says what skipping zeros gains, whatever was lost
    in accuracy. Both are taken alike: layers alone on the core are compared with layers alone, whole programs
    with whole programs. Where the sparse cycles were counted and the dense ones only predicted, the report
    says so.

    How much faster a network is than the *fine-tuned dense network of the same user*, which has some zeros
    by itself, is another figure: the accuracy experiment calls it ``speedup_to_dense``.

    Returns
    -------
    None if there are no dense cycles, because the dense twin does not fit the hardware.
    """
    return None if cycles_dense is None else cycles_dense / max(1, cycles)


def reduction(before: float, after: float) -> float:
    """How many times less there is of something: bytes of weights, or multiplications."""
    return before / max(1, after)


def utilization(cycles_ideal: int, cycles: int) -> float:
    """Share of the cycles in which the array must work, over those taken."""
    return cycles_ideal / max(1, cycles)

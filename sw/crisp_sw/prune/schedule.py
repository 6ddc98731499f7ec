"""How the target sparsity rises over the iterations."""

from crisp_sw.prune.settings import PruneSettings


def target_sparsities(settings: PruneSettings) -> list[float]:
    """Return the target of each iteration; the last is the settings' sparsity.

    Targets rise from the sparsity that N:M alone reaches, s0 = 1 - n/m, to the wanted s:
    ``s + (s0 - s) * (1 - t/T)**e`` for t = 1..T, with e = 1 ("linear") or 3 ("cubic", Zhu & Gupta 2017,
    "To prune, or not to prune", eq. 1). All targets equal s where s <= s0: N:M alone reaches it.
    """
    final, steps = settings.sparsity, settings.iterations
    start = min(final, 1 - settings.n / settings.m)
    exponent = 3 if settings.schedule == "cubic" else 1
    return [final + (start - final) * (1 - step / steps) ** exponent for step in range(1, steps + 1)]

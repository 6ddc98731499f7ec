"""How the target sparsity rises over the iterations."""

from crisp_sw.prune.settings.settings import PruneSettings


def target_sparsities(settings: PruneSettings, *, start: float | None = None) -> list[float]:
    """Return the target of each iteration; the last is the settings' sparsity.

    Targets rise from s0 to the wanted s, for t = 1..T:

    - "linear" and "cubic": ``s + (s0 - s) * (1 - t/T)**e``, e = 1 or 3 (Zhu & Gupta 2017, "To prune, or not
      to prune", eq. 1).
    - "crisp": ``s0 + (s - s0) * (t - 1) / (T - 1)``. The first step is N:M alone, then the share of pruned
      blocks rises in equal steps, as in CRISP's iterations (DATE 2024, section III). One step: s at once.

    All targets equal s where s <= s0: N:M alone reaches it.

    Parameters
    ----------
    start : s0, the sparsity that N:M alone reaches; ``1 - n/m`` of the settings if None.
    """
    final, steps = settings.sparsity, settings.iterations
    start = min(final, 1 - settings.fine_density if start is None else start)
    if settings.schedule == "crisp":
        shares = [(step - 1) / (steps - 1) if steps > 1 else 1.0 for step in range(1, steps + 1)]
    else:
        exponent = 3 if settings.schedule == "cubic" else 1
        shares = [1 - (1 - step / steps) ** exponent for step in range(1, steps + 1)]
    return [final if share == 1 else start + (final - start) * share for share in shares]

"""How the target sparsity rises over the iterations."""

from crisp_sw.prune.settings.masked_pruning import SparsePruning


def target_sparsities(settings: SparsePruning, *, start: float) -> list[float]:
    """Return the target of each iteration; the last is the settings' sparsity.

    Targets rise from s0 to the wanted s, for t = 1..T:

    - "linear" and "cubic": ``s + (s0 - s) * (1 - t/T)**e``, e = 1 or 3 (Zhu & Gupta 2017, "To prune, or not
      to prune", eq. 1).
    - "crisp": ``s0 + (s - s0) * (t - 1) / (T - 1)``. The first step is N:M alone, then the share of pruned
      blocks rises in equal steps, as in CRISP's iterations (DATE 2024, section III). One step: s at once.

    All targets equal s where s <= s0: N:M alone reaches it.

    Parameters
    ----------
    start : s0, the sparsity that the pattern has before any weight goes for its saliency, such as N:M alone.
    """
    final, steps = settings.sparsity, settings.training.iterations
    start = min(final, start)
    if settings.schedule == "crisp":
        shares = [(step - 1) / (steps - 1) if steps > 1 else 1.0 for step in range(1, steps + 1)]
    else:
        exponent = 3 if settings.schedule == "cubic" else 1
        shares = [1 - (1 - step / steps) ** exponent for step in range(1, steps + 1)]
    return [final if share == 1 else start + (final - start) * share for share in shares]

"""Settings for tests that try several methods with the same values: each takes those that it reads."""

from typing import Any

from crisp_sw.prune import PruneSettings, prune_methods


def of_method(method: str, **values: Any) -> Any:
    """Settings of a method, whichever class it has; values of settings that it does not read are left out."""
    kind = prune_methods()[method]
    return kind.of(**{name: value for name, value in values.items() if name in kind.settings()})


def changed(settings: PruneSettings, *, method: str | None = None, **values: Any) -> Any:
    """The settings with other values, of another method perhaps."""
    return of_method(method or settings.method, **{**settings.values(), **values})

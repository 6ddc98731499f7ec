"""Pruning settings from a file and from the command line; the command line wins."""

from collections.abc import Mapping
from dataclasses import fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from crisp_spec.errors import CrispError
from crisp_sw.prune import PruneError, PruneSettings
from crisp_sw.settings_file import SettingsFileError, read_settings_file

# What a method does not look at. A file may have it: that of an earlier run has every setting.
_WITHOUT_EFFECT = {
    "dense": ("sparsity", "n", "m", "block", "saliency"),
    "block": ("n",),
    "unstructured": ("n", "m"),
}


def prune_settings(path: Path | None, given: Mapping[str, Any]) -> PruneSettings:
    """The settings of a run.

    Parameters
    ----------
    path : TOML or JSON with settings by name, or the ``prune.json`` of an earlier run.
    given : settings by name that replace those of the file; None stands for not given.

    Raises
    ------
    SettingsFileError : the file cannot be read, or names a setting that there is not.
    PruneError : a value is out of range, or a given one has no effect on the method.
    """
    values = {} if path is None else _read(path)
    chosen = {name: value for name, value in given.items() if value is not None}
    try:
        settings = PruneSettings.from_json({**values, **chosen})
    except CrispError:
        try:
            PruneSettings.from_json(values)
        except CrispError as error:
            raise type(error)(f"{path}: {error}") from error
        raise  # the file by itself is fine: an option is to blame
    for name in _WITHOUT_EFFECT.get(settings.method, ()):
        if name in chosen:
            raise PruneError(f"`{name}` {chosen[name]} has no effect on the method {settings.method!r}")
    return settings


def _read(path: Path) -> dict[str, Any]:
    content = read_settings_file(path)
    if isinstance(content, dict) and isinstance(content.get("settings"), dict):
        content = content["settings"]
    if not isinstance(content, dict):
        raise SettingsFileError(f"{path}: expected settings by name, not {type(content).__name__}")
    known = [item.name for item in fields(PruneSettings)]
    for name in content:
        if name not in known:
            nearest = get_close_matches(name, known, n=1)
            hint = f"did you mean {nearest[0]!r}?" if nearest else f"expected one of {', '.join(known)}"
            raise SettingsFileError(f"{path}: no setting {name!r}; {hint}")
    return dict(content)

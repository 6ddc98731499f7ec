"""Pruning settings from a file and from the command line; the command line wins."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from crisp_spec.errors import CrispError
from crisp_sw.prune import PruneSettings, known_settings, settings_from_json
from crisp_sw.prune.settings.value_checks import require_known
from crisp_sw.settings_file import SettingsFileError, read_settings_file


def prune_settings(path: Path | None, given: Mapping[str, Any]) -> PruneSettings:
    """The settings of a run.

    Parameters
    ----------
    path : TOML or JSON with settings by name, or the ``prune.json`` of an earlier run. It may have settings
        that only other methods read.
    given : settings by name that replace those of the file; None stands for not given.

    Raises
    ------
    SettingsFileError : the file cannot be read, or names a setting that there is not.
    PruneError : a value is out of range, or the method does not read one that is given.
    """
    values = {} if path is None else _read(path)
    chosen = {name: value for name, value in given.items() if value is not None}
    try:
        settings = settings_from_json({**values, **chosen})
    except CrispError:
        try:
            settings_from_json(values)
        except CrispError as error:
            raise type(error)(f"{path}: {error}") from error
        raise  # the file by itself is fine: an option is to blame
    settings.require_names({name: value for name, value in chosen.items() if name != "method"})
    return settings


def _read(path: Path) -> dict[str, Any]:
    content = read_settings_file(path)
    if isinstance(content, dict) and isinstance(content.get("settings"), dict):
        content = content["settings"]
    if not isinstance(content, dict):
        raise SettingsFileError(f"{path}: expected settings by name, not {type(content).__name__}")
    require_known(content, known_settings(), what="setting", error=SettingsFileError, where=f"{path}: ")
    return dict(content)

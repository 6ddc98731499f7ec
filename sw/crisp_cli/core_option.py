"""The core that a command works with: a preset, or a core of the user's own sizes from a TOML file.

A command declares one parameter of the type `Core`, with a `NamedConfig` as its default. On the command line
it has two options, ``--preset`` and ``--config``, of which one may be given.
"""

import functools
import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Annotated, Any, get_args

import typer

from crisp_spec.config import PRESETS, CoreConfig, NamedConfig, named_preset, preset
from crisp_spec.errors import ConfigError
from crisp_sw.settings_file import read_settings_file

_CORE = "a parameter that the options of a core stand for"
Core = Annotated[NamedConfig, _CORE]
TINY, SMALL, EDGE = (named_preset(name) for name in ("tiny", "small", "edge"))

BASE = "preset"
"""Key of the preset that a file starts from."""

_SIZES = {field.name: field for field in fields(CoreConfig)}
_NAME = re.compile(r"[A-Za-z0-9_]{1,64}")
"""Of a core: it becomes part of the names of files and of Verilog modules."""


def with_core_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """A command with the options of a core in place of its parameter of the type `Core`, if it has one."""
    parameters = list(inspect.signature(function).parameters.values())
    core = next((one for one in parameters if _CORE in get_args(one.annotation)), None)
    if core is None:
        return function

    @functools.wraps(function)
    def command(*, preset: str | None, config: Path | None, **others: Any) -> Any:
        return function(**{core.name: chosen_core(preset, config, core.default)}, **others)

    place = parameters.index(core)
    parameters[place : place + 1] = _options(core.default)
    parameters = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in parameters]
    command.__annotations__ = {one.name: one.annotation for one in parameters}
    vars(command)["__signature__"] = inspect.Signature(parameters)
    return command


def _options(default: NamedConfig) -> list[inspect.Parameter]:
    """The parameters of a command that the options of a core are."""
    sizes = f"Size of the core: {', '.join(PRESETS)}."
    named = typer.Option("--preset", "-p", help=sizes, show_default=str(default), callback=_require_preset)
    own = typer.Option("--config", metavar="FILE", help="TOML file of a core of your own, in place of it.")
    kinds = {"preset": Annotated[str | None, named], "config": Annotated[Path | None, own]}
    return [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=kind)
        for name, kind in kinds.items()
    ]


def _require_preset(name: str | None) -> str | None:
    if name is not None:
        preset(name)
    return name


def chosen_core(preset: str | None, config: Path | None, default: NamedConfig) -> NamedConfig:
    """What the options stand for, each of which may not be given.

    Raises
    ------
    ConfigError : there is no such preset, the file cannot be used, or both are given and differ.
    """
    if config is None:
        return default if preset is None else named_preset(preset)
    core = read_core(config)
    if preset is not None and core.config != named_preset(preset).config:
        raise ConfigError(
            f"--preset {preset} and --config {config} are two cores; expected one of them (a file may start "
            f'from a preset: {BASE} = "{preset}")'
        )
    return core


def read_core(path: Path) -> NamedConfig:
    """Read a core from a TOML file: the fields of `CoreConfig`, and perhaps the preset that it starts from.

    Raises
    ------
    ConfigError : the file cannot be read, has a name that files cannot be called after, or does not describe
        a core; names the file, and the key, its value and what was expected.
    """
    if not _NAME.fullmatch(path.stem):
        raise ConfigError(
            f"{path}: what is made of this core is called {path.stem!r}; expected a name of letters, digits "
            "and underscores, 64 at most"
        )
    table = read_settings_file(path, ConfigError)
    if not isinstance(table, dict):
        raise ConfigError(f"{path}: expected a table of {', '.join(_SIZES)}, not {table!r}")
    try:
        return NamedConfig(path.stem, _config(table))
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error


def _config(table: Mapping[str, Any]) -> CoreConfig:
    for key, value in table.items():
        if key not in (BASE, *_SIZES):
            known = ", ".join((BASE, *_SIZES))
            raise ConfigError(f"`{key}` = {value!r} is no size of a core; expected some of {known}")
    values = {**_base(table), **{key: value for key, value in table.items() if key != BASE}}
    for name, field in _SIZES.items():
        if name not in values and field.default is MISSING:
            raise ConfigError(
                f"`{name}` is not there; expected a positive power of 2, or a {BASE} that it is taken from"
            )
    return CoreConfig(**values)


def _base(table: Mapping[str, Any]) -> dict[str, int]:
    if BASE not in table:
        return {}
    name = table[BASE]
    if not isinstance(name, str) or name not in PRESETS:
        raise ConfigError(f"`{BASE}` must be one of {', '.join(PRESETS)}, not {name!r}")
    return vars(PRESETS[name])

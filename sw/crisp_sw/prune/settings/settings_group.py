"""Settings in groups: a component is given the group that it reads; files and options name settings alone."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, Field, dataclass, fields, replace
from typing import Any, Literal, Self, cast, get_args, get_origin

from crisp_sw.prune.errors import PruneError
from crisp_sw.prune.settings.value_checks import require_choice, require_known


@dataclass(frozen=True, kw_only=True)
class SettingsGroup:
    """Base of the groups: frozen dataclasses of settings, and of smaller groups, which have a default.

    A setting has the same name in a group, in a file and as an option; all settings within a group, those of
    smaller groups included, have different names. What a field of type ``Literal`` may be is stated there
    alone: the check, the help of the program and the reference of settings come from it. Fields with
    ``init=False`` are constants that others read like settings.

    Raises
    ------
    PruneError : a choice is none of its ``Literal``, or a group is of another class.
    """

    def __post_init__(self):
        for item in fields(self):
            value = getattr(self, item.name)
            if get_origin(item.type) is Literal:
                require_choice(item.name, value, get_args(item.type))
            elif _is_group(item) and not isinstance(value, _group(item)):
                raise PruneError(f"`{item.name}` must be {_group(item).__name__}, not {value!r}")

    @classmethod
    def of(cls, **values: Any) -> Self:
        """Return the group with these settings, by name, also of those in smaller groups.

        Raises
        ------
        PruneError : a value is out of range, or a name is no setting of this group.
        """
        cls.require_names(values)
        return cls(**_by_field(values, {item.name: _default(item) for item in _groups(cls)}, cls))

    def with_values(self, **values: Any) -> Self:
        """Return a copy with other values of some settings, as of :meth:`of`."""
        self.require_names(values)
        groups = {item.name: getattr(self, item.name) for item in _groups(type(self))}
        return replace(self, **_by_field(values, groups, type(self)))

    @classmethod
    def require_names(cls, values: Mapping[str, Any]) -> None:
        """Raise PruneError, suggesting the nearest, if a name of ``values`` is no setting of this group."""
        require_known(values, list(cls.settings()), what="setting")

    def values(self) -> dict[str, Any]:
        """Return the values of all settings by name, its own before those of smaller groups."""
        own = {item.name: getattr(self, item.name) for item in _own(type(self))}
        return own | {
            name: value
            for item in _groups(type(self))
            for name, value in getattr(self, item.name).values().items()
        }

    @classmethod
    def settings(cls) -> dict[str, Field[Any]]:
        """Return the fields of all settings by name, in the order of :meth:`values`."""
        found = {item.name: item for item in _own(cls)}
        for item in _groups(cls):
            found |= _group(item).settings()
        return found

    @classmethod
    def choices(cls, name: str) -> tuple[str, ...]:
        """Return what the setting of this name may be; nothing if it is no choice of a few words."""
        kind = cls.settings()[name].type
        return get_args(kind) if get_origin(kind) is Literal else ()


def _is_group(item: Field[Any]) -> bool:
    return isinstance(item.type, type) and issubclass(item.type, SettingsGroup)


def _group(item: Field[Any]) -> type[SettingsGroup]:
    return cast(type[SettingsGroup], item.type)


def _default(item: Field[Any]) -> SettingsGroup:
    if item.default is not MISSING:
        return item.default
    return cast(Callable[[], SettingsGroup], item.default_factory)()


def _own(group: type[SettingsGroup]) -> Iterable[Field[Any]]:
    return (item for item in fields(group) if item.init and not _is_group(item))


def _groups(group: type[SettingsGroup]) -> Iterable[Field[Any]]:
    return (item for item in fields(group) if item.init and _is_group(item))


def _by_field(
    values: Mapping[str, Any], groups: Mapping[str, SettingsGroup], kind: type[SettingsGroup]
) -> dict[str, Any]:
    """Return the arguments of ``kind`` that set ``values``, of which ``groups`` take their share."""
    own = {item.name for item in _own(kind)}
    arguments = {name: value for name, value in values.items() if name in own}
    for name, group in groups.items():
        inner = {setting: values[setting] for setting in group.settings() if setting in values}
        if inner:
            arguments[name] = group.with_values(**inner)
    return arguments

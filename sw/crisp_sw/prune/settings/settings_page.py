"""Documentation page of all settings of pruning, from their declaration.

``crisp write-page pruning-settings`` writes ``docs/pruning-settings.md``.
"""

import json
import re
from dataclasses import MISSING, Field, fields
from inspect import cleandoc
from typing import Any, Literal, get_args, get_origin

from crisp_sw.prune.settings.layer_rules import LayerRule
from crisp_sw.prune.settings.prune_settings import PruneSettings, prune_methods

HEAD = """\
# Settings of pruning

Written by `crisp write-page pruning-settings` from the classes in `crisp_sw.prune.settings`; edit the
declaration there. [Pruning](pruning.md) says what the choices mean and what was measured.

In Python, a method's class takes its own settings, and groups of those that methods share:
`CrispPruning(n=2, training=FineTuning(final_epochs=8))`. By their names alone, as in files and options, `of`
takes all: `CrispPruning.of(n=2, final_epochs=8)`. A file of TOML or JSON names the method as `method`; it may
have settings of other methods, which are left out. An option that the method does not read is refused.

| method | class | what goes |
| --- | --- | --- |
"""
RULES = """\
## Rules

`rules` is a list of tables. What a rule speaks of is all that fits its `name`, `type` and `role`; of several
rules that fit a layer, each adds what it sets, and later ones win. The rules of networks that are pruned in
one step (`crisp synthetic`, `crisp network --layers FILE`) are written alike.

| name | type | what it says |
| --- | --- | --- |
"""


def settings_page() -> str:
    """The page, in Markdown."""
    methods = prune_methods()
    lines = [HEAD.rstrip("\n")]
    lines += (f"| `{name}` | `{kind.__name__}` | {_cell(_summary(kind))} |" for name, kind in methods.items())
    for owner, names in _by_owner(methods).items():
        lines += ["", f"## `{owner.__name__}`", "", _plain(_summary(owner)), ""]
        lines += ["| name | default | may be | methods | meaning |", "| --- | --- | --- | --- | --- |"]
        lines += (_row(owner, name, methods) for name in names)
    lines += ["", RULES.rstrip("\n")]
    lines += (
        f"| `{item.name}` | {_kind(item)} | {_cell(described(LayerRule)[item.name])} |"
        for item in fields(LayerRule)
    )
    return "\n".join(lines) + "\n"


def described(kind: type) -> dict[str, str]:
    """Return what the docstring of a class says of each of its parameters and attributes, in one line."""
    found: dict[str, str] = {}
    names: list[str] = []
    for line in cleandoc(kind.__doc__ or "").splitlines():
        start = re.match(r"([a-z_]+(?:, [a-z_]+)*) : (.*)", line)
        if start is not None:
            names = start[1].split(", ")
            found |= dict.fromkeys(names, start[2])
        elif line.startswith("    ") and names:
            found |= {name: f"{found[name]} {line.strip()}" for name in names}
        else:
            names = []
    return found


def _by_owner(methods: dict[str, type[PruneSettings]]) -> dict[type, list[str]]:
    """Return the settings of all methods by the classes that declare them, each once."""
    owners: dict[type, list[str]] = {}
    for kind in methods.values():
        for name, item in kind.settings().items():
            names = owners.setdefault(_owner(kind, item), [])
            if name not in names:
                names.append(name)
    return owners


def _owner(kind: type, setting: Field[Any]) -> type:
    """Return the class that declares a setting of ``kind``, or of one of its groups."""
    for base in kind.__mro__:
        if setting.name in vars(base).get("__annotations__", {}):
            return base
    groups = (item.type for item in fields(kind) if isinstance(item.type, type) and item.init)
    return next(_owner(group, setting) for group in groups if setting in _settings(group))


def _settings(group: type) -> list[Field[Any]]:
    return list(group.settings().values()) if hasattr(group, "settings") else []


def _row(owner: type, name: str, methods: dict[str, type[PruneSettings]]) -> str:
    readers = [
        method
        for method, kind in methods.items()
        if name in kind.settings() and _owner(kind, kind.settings()[name]) is owner
    ]
    others = [method for method in methods if method not in readers]
    shorter, start = (others, "all but ") if len(others) < len(readers) else (readers, "")
    listed = start + ", ".join(f"`{method}`" for method in shorter) if others else "all"
    item = next(kind.settings()[name] for method, kind in methods.items() if method in readers)
    default = item.default if item.default is not MISSING else None
    text = "none" if default is None else f"`{json.dumps(default)}`"
    return f"| `{name}` | {text} | {_kind(item)} | {listed} | {_cell(described(owner)[name])} |"


def _kind(item: Field[Any]) -> str:
    """Return the choices of a setting, or its type in words."""
    if get_origin(item.type) is Literal:
        return ", ".join(f"`{choice}`" for choice in get_args(item.type))
    kinds = [kind for kind in get_args(item.type) if kind is not type(None)] or [item.type]
    if get_origin(item.type) is tuple:
        return "list of rules" if kinds[0] is LayerRule else "list of texts"
    if get_origin(kinds[0]) is Literal:
        return ", ".join(f"`{choice}`" for choice in get_args(kinds[0]))
    return {bool: "true, false", int: "integer", float: "number", str: "text"}[kinds[0]]


def _summary(kind: type) -> str:
    return cleandoc(kind.__doc__ or "").partition("\n\n")[0].replace("\n", " ")


def _cell(text: str) -> str:
    return _plain(text).replace("|", "\\|")


def _plain(text: str) -> str:
    """Return the text of a docstring as Markdown."""
    text = re.sub(r":[a-z]+:`~?([^`]+)`", r"`\1`", text)
    return text.replace("``", "`")

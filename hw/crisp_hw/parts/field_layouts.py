"""Declared fields (``crisp_spec.fields``) as structs of the hardware."""

from collections.abc import Iterable, Sequence
from typing import Any

from amaranth.hdl import Shape
from amaranth.lib import data

from crisp_spec.fields import Field


def fields_layout(fields: Sequence[Field], names: Iterable[str] | None = None) -> data.StructLayout:
    """A struct of fields without gaps, the layout into which ``crisp_spec.fields.pack_fields`` packs.

    With ``names`` it has only the fields of these names, in the order of their declaration.

    Raises
    ------
    ValueError : there is no field of such a name.
    """
    chosen = {field.name for field in fields} if names is None else set(names)
    if unknown := chosen - {field.name for field in fields}:
        raise ValueError(f"there is no field `{min(unknown)}`")
    return data.StructLayout(
        {field.name: Shape(field.bits, signed=field.signed) for field in fields if field.name in chosen}
    )


def same_fields(target: Any, source: Any) -> list[Any]:
    """Assignments of every field of the struct ``target`` from the one of that name in ``source``."""
    return [target[name].eq(source[name]) for name in target.shape().members]

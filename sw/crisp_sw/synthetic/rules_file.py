"""Overrides of the sparsity of single layers, from a TOML or JSON file.

One table per shell-style pattern of layer names; what it leaves out is taken from the default::

    [layers."layer1.*"]
    nm = "2:4"
    blocks = 0.75
    block_size = 32

    [layers."layer4.2.conv3"]
    dense = true
"""

from pathlib import Path
from typing import Any

from crisp_sw.settings_file import read_settings_file
from crisp_sw.synthetic.errors import NetworkSettingsError
from crisp_sw.synthetic.rules import LayerSparsity, SparsityRules, parse_nm

_TYPES: dict[str, type | tuple[type, ...]] = {
    "nm": str,
    "blocks": (int, float),
    "block_size": int,
    "dense": bool,
}


def sparsity_rules(
    nm: str, blocks: float, block_size: int, first_nm: str | None, overrides: Path | None
) -> SparsityRules:
    """The rules that the options of a command line stand for; see `crisp_sw.synthetic.SparsityRules`.

    Raises
    ------
    NetworkSettingsError : a value is out of range.
    """
    n, m = parse_nm(nm)
    default = LayerSparsity(n=n, m=m, block=block_size, blocks=blocks)
    first = None
    if first_nm is not None:
        n, m = parse_nm(first_nm)
        first = LayerSparsity(n=n, m=m, block=block_size)
    listed = () if overrides is None else read_overrides(overrides, default)
    return SparsityRules(default=default, first=first, overrides=listed)


def read_overrides(path: str | Path, default: LayerSparsity) -> tuple[tuple[str, LayerSparsity | None], ...]:
    """Overrides for `crisp_sw.synthetic.SparsityRules`, in the order of the file.

    Parameters
    ----------
    path : a file that ends in ``.toml`` or ``.json``.
    default : what a table that names only some values starts from.

    Raises
    ------
    NetworkSettingsError : the file cannot be read, or a value is unknown or out of range.
    """
    path = Path(path)
    content = read_settings_file(path, NetworkSettingsError)
    layers = content.get("layers") if isinstance(content, dict) else None
    if not isinstance(layers, dict) or set(content) != {"layers"}:
        raise NetworkSettingsError(f"{path}: expected one table 'layers' with a table for each pattern")
    return tuple((pattern, _override(path, pattern, table, default)) for pattern, table in layers.items())


def _override(path: Path, pattern: str, table: Any, default: LayerSparsity) -> LayerSparsity | None:
    where = f"{path}: layers.{pattern!r}"
    if not isinstance(table, dict) or not table.keys() <= _TYPES.keys():
        raise NetworkSettingsError(f"{where} must be a table of {', '.join(_TYPES)}, not {table!r}")
    for key, value in table.items():
        expected = _TYPES[key]
        if not isinstance(value, expected) or (expected is not bool and isinstance(value, bool)):
            raise NetworkSettingsError(f"{where}: `{key}` has the wrong type, {value!r}")
    if table.get("dense", False):
        return None
    n, m = parse_nm(table["nm"]) if "nm" in table else (default.n, default.m)
    try:
        return LayerSparsity(
            n=n,
            m=m,
            block=table.get("block_size", default.block),
            blocks=table.get("blocks", default.blocks),
        )
    except NetworkSettingsError as error:
        raise NetworkSettingsError(f"{where}: {error}") from error

"""Rules for single layers from a TOML or JSON file, and from the options of a command line.

The file has nothing but ``rules``, in the language of :mod:`crisp_sw.prune.settings.layer_rules`::

    rules = [
        { name = "layer1.*", n = 2, m = 4, block = 32, kept_share = 0.75 },
        { name = "layer4.2.conv3", dense = true },
    ]
"""

from pathlib import Path

from crisp_sw.prune.errors import PruneError
from crisp_sw.prune.settings.layer_rules import LayerRule, rules_from_json
from crisp_sw.settings_file import read_settings_file
from crisp_sw.synthetic.errors import NetworkSettingsError
from crisp_sw.synthetic.sparsity_rules import LayerSparsity, SparsityRules, parse_nm


def sparsity_rules(
    nm: str, blocks: float, block_size: int, first_nm: str | None, layers: Path | None
) -> SparsityRules:
    """The rules that the options of a command line stand for; see `crisp_sw.synthetic.SparsityRules`.

    Parameters
    ----------
    layers : a file for :func:`read_rules`.

    Raises
    ------
    NetworkSettingsError : a value is out of range.
    """
    if not 0 < blocks <= 1:
        raise NetworkSettingsError(f"`blocks` must be above 0 and at most 1, not {blocks}")
    n, m = parse_nm(nm)
    default = LayerSparsity(n=n, m=m, block=block_size, kept_share=blocks)
    rules = () if layers is None else read_rules(layers)
    if first_nm is not None:
        n, m = parse_nm(first_nm)
        first = LayerSparsity(n=n, m=m, block=block_size)
        rules = (LayerRule(role="first", n=n, m=m, block=block_size, kept_share=first.kept_share), *rules)
    return SparsityRules(default=default, rules=rules)


def read_rules(path: str | Path) -> tuple[LayerRule, ...]:
    """The rules for `crisp_sw.synthetic.SparsityRules` in a file, in their order.

    Parameters
    ----------
    path : a file that ends in ``.toml`` or ``.json``.

    Raises
    ------
    NetworkSettingsError : the file cannot be read, or a rule is none, or sets what such networks do not read.
    """
    path = Path(path)
    content = read_settings_file(path, NetworkSettingsError)
    if isinstance(content, dict) and set(content) == {"layers"}:
        raise NetworkSettingsError(
            f"{path}: a table 'layers' is what version 1 of such files had; this version reads 'rules', such "
            'as rules = [{ name = "layer1.*", n = 2, m = 4, kept_share = 0.5 }]'
        )
    if not isinstance(content, dict) or set(content) != {"rules"}:
        raise NetworkSettingsError(f"{path}: expected one list 'rules' with a table for each rule")
    try:
        rules = rules_from_json(content["rules"])
        SparsityRules(rules=rules)
    except (PruneError, NetworkSettingsError) as error:
        raise NetworkSettingsError(f"{path}: {error}") from error
    return rules

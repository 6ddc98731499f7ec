"""Settings that people write down: TOML or JSON."""

from pathlib import Path
from typing import Any

from crisp_files.input_files import read_regular
from crisp_files.json_toml import parse_json, parse_toml
from crisp_spec.errors import CrispError

MOST_BYTES = 1 << 24


class SettingsFileError(CrispError):
    """A file of settings is absent, damaged, or has a setting that there is not."""


def read_settings_file(path: Path, error_type: type[CrispError] = SettingsFileError) -> Any:
    """The content of a file that ends in ``.toml`` or ``.json``.

    Raises
    ------
    error_type : the name ends otherwise, or the file cannot be read.
    """
    if path.suffix not in (".toml", ".json"):
        raise error_type(f"{path}: expected a name that ends in .toml or .json")
    try:
        text = read_regular(path, MOST_BYTES).decode()
        return parse_toml(text) if path.suffix == ".toml" else parse_json(text)
    except OSError as error:
        raise error_type(f"{path}: cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise error_type(f"{path}: not valid {path.suffix[1:].upper()} ({error})") from error

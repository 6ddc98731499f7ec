"""The documentation site: all documents beside this file, and the API from docstrings (``make docs``)."""

import tomllib
from pathlib import Path
from typing import Any

from tools.docstrings import to_rst

ROOT = Path(__file__).resolve().parents[1]
_PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

project = "crisp-stc"
version = release = _PROJECT["version"]
copyright = "the authors of crisp-stc; Apache-2.0"

extensions = ["myst_parser", "autoapi.extension"]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
exclude_patterns = ["accuracy/*.csv"]
default_role = "code"
myst_heading_anchors = 3

# Docstrings are read as they are written, without importing anything: neither torch nor Amaranth.
autoapi_dirs = [
    str(ROOT / folder)
    for folder in (
        "golden/crisp_spec",
        "golden/crisp_files",
        "golden/crisp_golden",
        "hw/crisp_hw",
        "hw/crisp_sim",
        "sw/crisp_sw",
        "sw/crisp_cli",
    )
]
autoapi_root = "api"
autoapi_ignore = ["*/crisp_cli/commands/*"]  # which `crisp --help` documents
autoapi_options = ["members", "show-inheritance", "show-module-summary"]
autoapi_member_order = "bysource"
autoapi_python_class_content = "class"
autoapi_add_toctree_entry = False
suppress_warnings = [
    "autoapi.python_import_resolution",  # packages whose members are loaded lazily
    "ref.python",  # parameters of one name in several places
]

html_theme = "furo"
html_title = f"crisp-stc {version}"
html_show_sphinx = False
html_theme_options = {"sidebar_hide_name": False}


def setup(app: Any) -> None:
    """Have docstrings read in the form in which they are written."""

    def convert(_app: Any, _what: str, _name: str, _object: Any, _options: Any, lines: list[str]) -> None:
        lines[:] = to_rst(lines)

    app.connect("autodoc-process-docstring", convert)

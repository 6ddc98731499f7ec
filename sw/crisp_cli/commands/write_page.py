"""``crisp write-page``: pages of the documentation that follow from declarations."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from crisp_cli.terminal import print_line
from crisp_files.atomic_files import require_new_file, write_text


class Page(StrEnum):
    """What can be written."""

    REGISTERS = "registers"
    ONNX_OPERATORS = "onnx-operators"
    PRUNING_SETTINGS = "pruning-settings"
    RESULTS = "results"
    RESULT_SCHEMAS = "result-schemas"


def write_page(
    page: Annotated[Page, typer.Argument(help="Which page.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="File to write.")],
) -> None:
    """Write a page of the documentation from the declaration of what it is about.

    Examples:

    - `crisp write-page registers --out docs/registers.md`
    - `crisp write-page onnx-operators --out docs/onnx-operators.md`
    - `crisp write-page pruning-settings --out docs/pruning-settings.md`
    - `crisp write-page results --out docs/results.md`
    - `crisp write-page result-schemas --out docs/result-schemas.json`
    """
    require_new_file(out)
    write_text(out, _text(page))
    print_line(str(out))


def _text(page: Page) -> str:
    if page is Page.REGISTERS:
        from crisp_hw.build.register_export import register_page

        return register_page()
    if page is Page.PRUNING_SETTINGS:
        from crisp_sw.prune.settings.settings_page import settings_page

        return settings_page()
    if page in (Page.RESULTS, Page.RESULT_SCHEMAS):
        from crisp_sw.flows.result_pages import results_page, schemas_text

        return results_page() if page is Page.RESULTS else schemas_text()
    from crisp_sw.exchange.onnx.file.operator_page import operator_page

    return operator_page()

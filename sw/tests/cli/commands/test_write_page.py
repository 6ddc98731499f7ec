"""``crisp write-page``: the pages are those of the documentation."""

import pytest

from crisp_cli.commands.write_page import Page
from crisp_files.folders import in_checkout
from sw.tests.cli.runner import crisp


@pytest.mark.parametrize("page", Page)
def test_a_page_is_that_of_the_documentation(page: Page, tmp_path):
    out = tmp_path / "page.md"
    result = crisp("write-page", page, "--out", out)
    assert (result.exit_code, result.stdout) == (0, f"{out}\n"), result.stderr
    suffix = "json" if page is Page.RESULT_SCHEMAS else "md"
    assert out.read_bytes() == in_checkout(f"docs/{page}.{suffix}").read_bytes()

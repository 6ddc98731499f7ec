"""The documentation site is built without a warning, and a broken link would be one."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[1]
pytest.importorskip("sphinx", reason="the site is built by Sphinx, extra `docs`")


def build(documents: Path, site: Path) -> subprocess.CompletedProcess[str]:
    """Build a site as `make docs` does."""
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", str(documents), str(site)]
    return subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_the_site_is_built_without_warnings_and_refers_to_nothing_outside(tmp_path: Path):
    result = build(PROJECT / "docs", tmp_path / "site")
    assert (result.returncode, result.stderr) == (0, "")
    pages = {page.relative_to(tmp_path / "site").as_posix() for page in (tmp_path / "site").rglob("*.html")}
    assert {"index.html", "tutorial.html", "glossary.html", "decisions/0007-tokens.html"} <= pages
    assert "api/crisp_sw/prune/run/pruner/index.html" in pages
    for name in pages:
        text = (tmp_path / "site" / name).read_text(encoding="utf-8")
        assert re.findall(r'<(?:script|link|img)[^>]+(?:src|href)="(?:https?:)?//[^"]*"', text) == [], name


def test_a_broken_link_is_an_error(tmp_path: Path):
    documents = tmp_path / "docs"
    documents.mkdir()
    (documents / "conf.py").write_text('extensions = ["myst_parser"]\n')
    (documents / "index.md").write_text("# Title\n\n[nowhere](no_such_page.md)\n")
    result = build(documents, tmp_path / "site")
    assert result.returncode != 0
    assert "no_such_page.md" in result.stderr

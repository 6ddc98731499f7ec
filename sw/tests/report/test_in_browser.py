"""The pages in a real browser: on a desk and on a telephone, light and dark, and read aloud."""

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from pathlib import Path

import pytest

from crisp_golden.cycles.layer_report import LayerFigures
from crisp_sw.report import render_page
from crisp_sw.report.pages.index_page import render_index
from crisp_sw.report.pages.inspection_page import render_inspection_page
from crisp_sw.report.pages.network_page import render_network_page
from crisp_sw.results.inspection import InspectedProgram, Inspection
from crisp_sw.results.layers import InspectedLayer
from sw.tests.report import network_reports
from sw.tests.report.pages.test_demo_page import made_up_network, made_up_report, sample
from sw.tests.report.pages.test_index_page import RUN

sync_api = pytest.importorskip("playwright.sync_api")
axe = pytest.importorskip("axe_playwright_python.sync_playwright")

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on the PATH: `make browser` installs it"),
    pytest.mark.xdist_group("browser"),
]
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WIDTHS, SCHEMES = (1280, 390), ("light", "dark")
LEAST_TEXT = 11
"""Pixels; smaller text cannot be read on a telephone."""


def demo_page() -> str:
    network = made_up_network()
    report = replace(made_up_report(network), test_images=3000)
    return render_page(report, network, [sample(), sample("a" * 60)])


def inspection_page() -> str:
    network = made_up_network()
    shared = [field.name for field in fields(LayerFigures)]
    layers = tuple(
        InspectedLayer(
            **{name: getattr(layer, name) for name in shared},
            dense_does_not_fit=None,
            weights=10**6,
            nonzero=10**5,
            macs_dense=10**7,
            macs=10**6,
        )
        for layer in made_up_report(network).layers
    )
    program = InspectedProgram(cycles=10**5, traffic=10**6, memory=network_reports.MEMORY, cycles_dense=None)
    figures = Inspection(
        path="a/very/long/path/" * 6,
        command="crisp inspect",
        kind="packed",
        preset="edge",
        clock_mhz=100.0,
        input_shape=(3, 32, 32),
        classes=("a",),
        metadata={},
        layers=layers,
        program=program,
    )
    return render_inspection_page(figures, network)


PAGES: dict[str, Callable[[], str]] = {
    "demo": demo_page,
    "network": lambda: render_network_page(network_reports.made_up_report()),
    "inspect": inspection_page,
    "index": lambda: render_index("build", [RUN, RUN], 100),
}


@pytest.fixture(scope="module")
def browser() -> Iterator:
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


class Opened:
    """A page in the browser, and what the browser had to say about it."""

    def __init__(self, browser, file: Path, width: int = 1280, scheme: str = "light", **options):
        context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme, **options
        )
        self.page = context.new_page()
        self.messages: list[str] = []
        self.page.on("console", lambda message: self.messages.append(message.text))
        self.page.on("pageerror", lambda error: self.messages.append(str(error)))
        self.page.goto(file.as_uri())

    def overflow(self) -> int:
        """Pixels that the page is wider than the window."""
        return self.page.evaluate("document.documentElement.scrollWidth - window.innerWidth")

    def smallest_text(self) -> float:
        """Height in pixels of the smallest text that is drawn."""
        return self.page.evaluate(
            """() => {
              const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
              let least = Infinity;
              while (walker.nextNode()) {
                const node = walker.currentNode, owner = node.parentElement;
                if (!node.data.trim() || ["SCRIPT", "STYLE"].includes(owner.tagName)) continue;
                const range = document.createRange();
                range.selectNodeContents(node);
                const box = range.getBoundingClientRect();
                const font = parseFloat(getComputedStyle(owner).fontSize);
                if (box.width) least = Math.min(least, font, box.height);
              }
              return least;
            }"""
        )

    def serious_findings(self) -> list[str]:
        """What axe-core finds serious or critical."""
        found = axe.Axe().run(self.page).response["violations"]
        return [
            f"{finding['id']}: {finding['nodes'][0]['html'][:120]}"
            for finding in found
            if finding["impact"] in ("serious", "critical")
        ]


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "page.html"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("name", PAGES)
def test_page_fits_can_be_read_and_is_accessible(name: str, browser, tmp_path: Path):
    file = written(tmp_path, PAGES[name]())
    for width in WIDTHS:
        for scheme in SCHEMES:
            opened = Opened(browser, file, width, scheme)
            assert (width, scheme, opened.overflow(), opened.messages) == (width, scheme, 0, [])
            assert opened.smallest_text() >= LEAST_TEXT
            # axe-core is a script that the page's own policy would not run.
            assert Opened(browser, file, width, scheme, bypass_csp=True).serious_findings() == []


def test_these_tests_notice_what_they_are_for(browser, tmp_path: Path):
    text = (
        '<!doctype html><html><title>t</title><body><div style="width:3000px;color:#ccc;background:#fff">'
        '<span style="font-size:4px">small</span></div><img src="data:,"><script>console.log(1)</script>'
    )
    opened = Opened(browser, written(tmp_path, text), 390)
    assert opened.overflow() > 0
    assert opened.smallest_text() < LEAST_TEXT
    assert opened.messages == ["1"]
    assert any(finding.startswith("color-contrast") for finding in opened.serious_findings())


def test_tables_are_sorted_by_value(browser, tmp_path: Path):
    page = Opened(browser, written(tmp_path, demo_page())).page
    column = "table.sortable tbody tr td:nth-child(10)"
    as_written = page.locator(column).all_inner_texts()
    for sign in (-1, 1):
        page.get_by_role("button", name="cycles dense").click()
        cycles = [int(text.replace(",", "")) for text in page.locator(column).all_inner_texts()]
        assert cycles == sorted(cycles, key=lambda value: sign * value)
        assert sorted(cycles) == sorted(int(text.replace(",", "")) for text in as_written)
    assert page.locator("th[aria-sort=ascending]").count() == 1


def test_links_lead_to_rows_and_pictures(browser, tmp_path: Path):
    page = Opened(browser, written(tmp_path, demo_page())).page
    page.locator(".chart a").first.click()
    assert page.locator("tr:target").count() == 1
    page.locator("tr:target a").click()
    assert page.locator(".pattern:target h3").inner_text().startswith("stage0.conv")


def test_figures_are_downloaded(browser, tmp_path: Path):
    page = Opened(browser, written(tmp_path, demo_page()), accept_downloads=True).page
    with page.expect_download() as download:
        page.locator("a[download]").click()
    assert download.value.suggested_filename == "report.json"
    assert json.loads(Path(download.value.path()).read_text())["preset"] == "edge"


def test_a_script_that_slips_in_is_not_run(browser, tmp_path: Path):
    text = demo_page().replace("<main>", "<main><script>document.title = 'changed'</script>")
    opened = Opened(browser, written(tmp_path, text))
    assert opened.page.title().startswith("CRISP:")
    assert any("Content Security Policy" in message for message in opened.messages)

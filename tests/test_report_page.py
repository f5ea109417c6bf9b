"""`make report`: one page with everything, made by Snakemake, that opens in a browser without a network."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from .browser import DESKTOP, PHONE, chromium, open_page
from .commands import call

SECTIONS = {  # and the first words of each of their pages; None: a picture
    "1 The answer": {"answer": "Does prototypical pre-training help?"},
    "2 Tables": {
        "dev (Table 1)": "All methods on dev",
        "test (Table 2)": "All methods on test",
        "each method against the references": "Each method against the references",
    },
    "3 Curves and bars": {"curves": None, "table1": None},
    "4 The space": {"figure1": None, "figure1-umap": None},
    "5 Errors": {"confusion para": None, "confusion sst": None, "worst errors": "Worst errors"},
    "6 Data": {"rows, labels, lengths": "The data"},
    "7 Versions": {"libraries and configuration": "What made it"},
}


@pytest.fixture(scope="module")
def report(finished: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """results/report.html, made by the command of `make report`."""
    makefile = (Path(__file__).parents[1] / "Makefile").read_text()
    command = re.search(r"^report:.*\n\t(.*)$", makefile, re.MULTILINE)
    assert command
    project = Path(shutil.copytree(finished, tmp_path_factory.mktemp("page") / "p", symlinks=True))
    call(project, *command[1].split())
    return project / "results/report.html"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


def test_the_report_names_no_address_to_load_from(report: Path) -> None:
    assert not re.search(r'(?:src|href)="https?:', report.read_text(encoding="utf-8"))


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_every_section_opens_offline_without_an_error(report: Path, browser: Browser, size: tuple[int, int]) -> None:
    page, wrong = open_page(browser, report.as_uri(), size, offline=True)
    expect(page.get_by_text("does prototypical pre-training help?")).to_be_attached()
    expect(page.locator("svg, canvas").first).to_be_attached()  # the graph
    for section, entries in SECTIONS.items():
        page.locator("nav").get_by_text(section, exact=True).click()
        for entry, words in entries.items():
            row = page.locator("nav tr", has_text=re.compile(f"^{re.escape(entry)}"))
            row.locator("a, button").first.click()
            if words:
                expect(page.frame_locator("iframe").locator("h1")).to_contain_text(words)
            else:
                expect(page.locator("img[src^=data]:not(nav img)")).to_have_js_property("complete", True)
                assert page.locator("img[src^=data]:not(nav img)").evaluate("image => image.naturalWidth") > 300
        page.locator("nav").locator("a").nth(1).click()  # home
    assert wrong == []


def test_on_a_phone_the_menu_lies_over_the_page_and_wide_tables_scroll(report: Path, browser: Browser) -> None:
    page, _ = open_page(browser, report.as_uri(), PHONE, offline=True)
    page.locator("nav").get_by_text("2 Tables", exact=True).click()
    page.locator("nav tr a, nav tr button").first.click()
    frame = page.locator("iframe")
    expect(frame).to_be_attached()
    box = frame.bounding_box()
    assert box and (box["x"], box["width"]) == (0, PHONE[0])
    inside = page.frame_locator("iframe")
    assert inside.locator("html").evaluate("html => html.scrollWidth") <= PHONE[0]
    wide = inside.locator(".wide").first.evaluate("box => [box.scrollWidth, box.clientWidth]")
    assert wide[0] > wide[1]


def test_dvc_shows_its_plots_too(project: Path) -> None:
    call(project, "dvc", "plots", "show", "--out", "plots")
    assert "vega" in (project / "plots/index.html").read_text(encoding="utf-8")

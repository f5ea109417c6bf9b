"""`make report`: one page with everything, made by Snakemake, that opens in a browser without a network."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.support import ROOT
from tests.support.browser import DESKTOP, PHONE, chromium, open_page
from tests.support.commands import call

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
    "6 Robust?": {"against noise": None, "the texts": "The texts under stress", "under stress": "Robust?"},
    "7 Data": {"rows, labels, lengths": "The data"},
    "8 Versions": {"libraries and configuration": "What made it"},
}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


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


def test_no_page_is_wider_than_a_phone(report: Path, browser: Browser, tmp_path: Path) -> None:
    """The pages of the report by themselves, and that of `protomtl stress`, which has a drawing in it."""
    rows = "text,stars\na good film,4\nthe film is bad bad,0\nthe cat sits and the dog runs,2\n"
    (tmp_path / "rows.csv").write_text(rows)
    given = ("--data", "rows.csv", "--task", "sst", "--columns", "text", "--label", "stars", "--about", "opinion")
    call(tmp_path, "protomtl", "stress", str(ROOT / "tests/support/export_0_1"), *given)
    for path in [*sorted((report.parent / "report").glob("*.html")), tmp_path / "stress.html"]:
        page, wrong = open_page(browser, path.as_uri(), PHONE, offline=True)
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0], path.name
        assert wrong == []
    drawing = page.locator("svg").first.bounding_box()
    assert drawing and 300 < drawing["width"] <= PHONE[0] and drawing["height"] < drawing["width"] * 3

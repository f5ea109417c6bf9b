"""Chromium without a screen, as a user's browser."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
QUIET = ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-sync"]
DESKTOP, PHONE = (1280, 860), (390, 800)


@contextmanager
def chromium() -> Iterator[Browser]:
    """The machine's Chromium. Without one the test is skipped, or with NEED_BROWSER set (as CI does) it fails."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if not found and not os.environ.get("NEED_BROWSER"):
        pytest.skip("no Chromium on this machine")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, chromium_sandbox=False, args=QUIET)
        yield browser
        browser.close()


def open_page(browser: Browser, address: str, size: tuple[int, int], offline: bool) -> tuple[Page, list[str]]:
    """A page at this address, and the list of all that goes wrong in it, a request elsewhere included."""
    context = browser.new_context(viewport={"width": size[0], "height": size[1]}, offline=offline)
    page, wrong = context.new_page(), []
    page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("requestfailed", lambda request: wrong.append(f"not loaded: {request.url:.100}"))
    own = urlsplit(address).netloc  # nothing for a file
    for kind in ("request", "websocket"):
        page.on(kind, lambda seen: wrong.append(seen.url) if urlsplit(seen.url).netloc not in ("", own) else None)
    page.goto(address)
    return page, wrong

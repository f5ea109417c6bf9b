"""The demo in a browser: typed text is text, and nothing is asked of anybody else."""

import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.browser import DESKTOP, PHONE, chromium, open_page
from tests.support.commands import PROTOMTL, environment

NASTY = "<img src=x onerror=document.title='run'> <script>document.title='run'</script> **film** $x^2$"


@pytest.fixture(scope="module")
def address(model: Path) -> Iterator[str]:
    """Of the running server, started as a user does."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [*PROTOMTL, "demo", "--model", str(model), "--port", str(port)]
    with subprocess.Popen(command, env=environment(), stdout=subprocess.DEVNULL) as server:
        try:
            for _ in range(240):
                time.sleep(0.25)
                listening = [c.laddr.ip for c in psutil.Process(server.pid).net_connections() if c.status == "LISTEN"]
                if listening:
                    break
            assert listening == ["127.0.0.1"]  # nobody else's machine gets in
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            assert server.wait(20) is not None


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


def shown(browser: Browser, address: str, size: tuple[int, int]) -> tuple[Page, list[str]]:
    page, wrong = open_page(browser, address, size, offline=False)
    expect(page.get_by_test_id("stDataFrame").first).to_be_visible(timeout=60_000)
    expect(page.get_by_test_id("stVegaLiteChart").first.locator("svg, canvas").first).to_be_visible()
    return page, wrong


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_in_a_browser_typed_text_is_text(address: str, browser: Browser, size: tuple[int, int]) -> None:
    page, wrong = shown(browser, address, size)
    field = page.get_by_label("Sentences, one a line")
    field.fill(NASTY)
    field.press("Control+Enter")
    cells = page.get_by_test_id("stDataFrame").first.locator("td")  # of the table that screen readers see
    expect(cells.filter(has_text=NASTY)).to_have_count(1, timeout=20_000)
    assert page.title() == "protomtl" and not page.locator("img[src=x]").count()
    page.get_by_role("tab", name="Pairs").click()
    expect(page.get_by_label("Second texts, one a line")).to_be_visible()
    expect(page.get_by_role("heading", name="para")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
    assert wrong == []

"""A file over the network: whatever the server does, it arrives whole, or there is a reason within the time limit."""

import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from protomtl.sources import transfer
from protomtl.sources.transfer import Failed, Network, again, append, size, within
from tests.support.server import CONTENT, Pages, head, piecewise, redirect, serving, whole


@pytest.fixture
def pages(monkeypatch: pytest.MonkeyPatch) -> Iterator[Pages]:
    monkeypatch.setattr(transfer, "PAUSE", 0.001)
    with serving() as running:
        yield running


def fetched(pages: Pages, path: str, part: Path, network: Network = Network()) -> bytes:  # noqa: B008
    again(lambda: append(pages.address + path, part, network, "a file"), lambda: size(part))
    return part.read_bytes()


def refused(pages: Pages, path: str, part: Path) -> str:
    with pytest.raises(Failed) as caught:
        fetched(pages, path, part)
    return str(caught.value)


def test_a_whole_file_arrives_at_once(pages: Pages, tmp_path: Path) -> None:
    pages["/file"] = whole(CONTENT)
    assert fetched(pages, "/file", tmp_path / "part") == CONTENT
    assert pages.asked == [("/file", None)]


def test_a_connection_that_breaks_off_is_gone_on_with(pages: Pages, tmp_path: Path) -> None:
    """Each answer brings an eighth at most: as long as bytes come, failures do not add up."""
    eighth = len(CONTENT) // 8
    pages["/file"] = piecewise(CONTENT, eighth)
    assert fetched(pages, "/file", tmp_path / "part") == CONTENT
    assert [begin for _, begin in pages.asked] == [None, *(f"bytes={n * eighth}-" for n in range(1, 8))]


def test_what_an_earlier_attempt_left_is_gone_on_with(pages: Pages, tmp_path: Path) -> None:
    (tmp_path / "part").write_bytes(CONTENT[:1000])
    pages["/file"] = whole(CONTENT)
    assert fetched(pages, "/file", tmp_path / "part") == CONTENT
    assert pages.asked == [("/file", "bytes=1000-")]


def test_a_server_that_cannot_go_on_gives_all_of_it_anew(pages: Pages, tmp_path: Path) -> None:
    def page(request: Any) -> None:
        head(request, len(CONTENT))
        request.wfile.write(CONTENT)

    (tmp_path / "part").write_bytes(b"something else")
    pages["/file"] = page
    assert fetched(pages, "/file", tmp_path / "part") == CONTENT


def test_a_part_that_is_longer_than_the_file_is_begun_anew(pages: Pages, tmp_path: Path) -> None:
    (tmp_path / "part").write_bytes(CONTENT + b"more")
    pages["/file"] = whole(CONTENT)
    assert fetched(pages, "/file", tmp_path / "part") == CONTENT
    assert [begin for _, begin in pages.asked] == [f"bytes={len(CONTENT) + 4}-", None]


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_server_that_is_busy_is_asked_again(status: int, pages: Pages, tmp_path: Path) -> None:
    def page(request: Any) -> None:
        whole(CONTENT)(request) if len(pages.asked) > 2 else request.send_error(status)

    pages["/file"] = page
    assert fetched(pages, "/file", tmp_path / "part") == CONTENT
    assert len(pages.asked) == 3


@pytest.mark.parametrize(("status", "tries"), [(404, 1), (403, 1), (410, 1), (503, transfer.TRIES)])
def test_an_answer_that_does_not_change_is_the_reason(status: int, tries: int, pages: Pages, tmp_path: Path) -> None:
    pages["/file"] = lambda request: request.send_error(status)
    assert str(status) in refused(pages, "/file", tmp_path / "part")
    assert len(pages.asked) == tries


def test_a_server_that_drops_every_connection_is_given_up(pages: Pages, tmp_path: Path) -> None:
    pages["/file"] = lambda request: request.connection.shutdown(socket.SHUT_RDWR)
    assert f"(tried {transfer.TRIES} times)" in refused(pages, "/file", tmp_path / "part")
    assert len(pages.asked) == transfer.TRIES


def test_a_server_that_is_not_there_is_given_up(pages: Pages, tmp_path: Path) -> None:
    with socket.socket() as taken:  # bound but not listening: connections are refused
        taken.bind(("127.0.0.1", 0))
        pages.address = f"http://127.0.0.1:{taken.getsockname()[1]}"
        assert "refused" in refused(pages, "/file", tmp_path / "part")


def test_a_file_that_never_ends_is_cut_off(pages: Pages, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def page(request: Any) -> None:
        head(request, None)
        while not pages.stop.is_set():
            request.wfile.write(CONTENT)

    monkeypatch.setattr(transfer, "MOST", 1 << 20)
    pages["/file"] = page
    assert "does not end" in refused(pages, "/file", tmp_path / "part")


def trickle(pages: Pages, before: bytes) -> Any:
    def page(request: Any) -> None:
        request.wfile.write(before)
        while not pages.stop.wait(0.02):
            request.wfile.write(b"x")

    return page


@pytest.mark.parametrize("before", [b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\nX-Slow: ", b""])
def test_the_limit_holds_whatever_a_server_does(before: bytes, pages: Pages, tmp_path: Path) -> None:
    """It sends a byte now and then: of the file, of its head, of no answer at all."""
    pages["/file"] = trickle(pages, before)
    begin = time.monotonic()
    with pytest.raises(Failed, match=r"not there after 0\.3 seconds"):
        within(0.3, lambda: fetched(pages, "/file", tmp_path / "part"))
    assert time.monotonic() - begin < 3


def test_what_goes_wrong_within_the_limit_is_told_as_it_is() -> None:
    assert within(5, lambda: 3) == 3
    with pytest.raises(OSError, match="disk full"):
        within(5, lambda: (_ for _ in ()).throw(OSError("disk full")))


@pytest.mark.parametrize("to", ["http://example.invalid/file", "ftp://example.invalid/file", "file:///etc/hostname"])
def test_a_redirect_to_what_is_not_https_is_refused(to: str, pages: Pages, tmp_path: Path) -> None:
    pages["/file"] = redirect(to)
    assert refused(pages, "/file", tmp_path / "part") == f"{to}: is not https"
    assert not (tmp_path / "part").exists()


@pytest.mark.parametrize("url", ["http://example.invalid/f", "http://127.0.0.1.example.invalid/f", "gopher://h/f", "f"])
def test_an_address_that_is_not_https_is_refused(url: str, tmp_path: Path) -> None:
    with pytest.raises(Failed, match="is not https"):
        append(url, tmp_path / "part", Network(), "f")


def test_a_host_that_pip_trusts_need_not_have_https() -> None:
    for named in ("mirror.invalid", "mirror.invalid:8080"):
        transfer.check_secure("http://mirror.invalid:8080/simple", Network(frozenset({named})))
    with pytest.raises(Failed):
        transfer.check_secure("http://mirror.invalid:81/simple", Network(frozenset({"mirror.invalid:8080"})))


def test_redirects_are_followed_but_not_for_ever(pages: Pages, tmp_path: Path) -> None:
    pages["/file"] = redirect("/there")
    pages["/there"] = whole(CONTENT)
    assert fetched(pages, "/file", tmp_path / "part") == CONTENT
    pages["/round"] = redirect("/round")
    assert f"led on {transfer.REDIRECTS} times" in refused(pages, "/round", tmp_path / "other")


def test_progress_is_a_line_now_and_then_in_a_log(
    pages: Pages, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(transfer, "EVERY", 0.0)
    pages["/file"] = whole(CONTENT * 20)
    fetched(pages, "/file", tmp_path / "part")
    assert capsys.readouterr().out.splitlines()[-1] == "a file: 2 of 2 MB"


def test_a_password_is_never_shown() -> None:
    assert transfer.shown("https://me:secret@host/simple") == "https://host/simple"
    assert "secret" not in transfer.reason(OSError("https://me:secret@host/simple: no route"))

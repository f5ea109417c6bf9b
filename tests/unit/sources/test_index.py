"""Where pip's configuration says that packages lie, and what the pages there hold."""

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from protomtl.sources import index, transfer
from protomtl.sources.catalogue import Archive
from protomtl.sources.transfer import Failed, Network
from tests.support.server import Pages, serving, whole

WANTED = Archive("Tiny.Thing", "tiny_thing-1.0.zip", "0" * 64, ("",))
JSON = "application/vnd.pypi.simple.v1+json"


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only file that pip reads; no variable of the user's counts."""
    for variable in ("INDEX_URL", "EXTRA_INDEX_URL", "FIND_LINKS", "NO_INDEX", "TRUSTED_HOST", "CERT", "PROXY"):
        monkeypatch.delenv(f"PIP_{variable}", raising=False)
    monkeypatch.setenv("XDG_CONFIG_DIRS", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))
    return tmp_path / "pip.conf"


@pytest.fixture
def pages(monkeypatch: pytest.MonkeyPatch) -> Iterator[Pages]:
    monkeypatch.setattr(transfer, "PAUSE", 0.001)
    with serving() as running:
        yield running


def test_settings_are_pips_own_and_variables_go_before_files(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config.write_text(
        "[global]\nindex-url = https://me:pass%40word@mirror.invalid/simple\nextra-index-url = https://a.invalid/s\n"
        "  file:///b\ntrusted-host = mirror.invalid\ncert = /ca.pem\nproxy = http://proxy.invalid:3128\n"
        "[download]\nclient-cert = /me.pem\nfind-links = /one /two\n[install]\nindex-url = https://other.invalid\n"
    )
    monkeypatch.setenv("PIP_FIND_LINKS", "/three")
    found = index.read_settings()
    assert found.indexes == ("https://me:pass%40word@mirror.invalid/simple", "https://a.invalid/s", "file:///b")
    assert found.links == ("/three",)
    assert found.network == Network(frozenset({"mirror.invalid"}), "/ca.pem", "/me.pem", "http://proxy.invalid:3128")


def test_without_settings_the_index_is_pips_default(config: Path) -> None:
    config.write_text("")
    (default,) = index.read_settings().indexes
    assert default.startswith("https://") and default.endswith("/simple")


def test_no_index_leaves_the_links_only(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config.write_text("[global]\nno-index = true\nfind-links = ~/wheels\nextra-index-url = https://a.invalid\n")
    found = index.read_settings()
    assert (found.indexes, found.links) == ((), ("~/wheels",))


def test_a_configuration_that_pip_cannot_read_is_told(config: Path) -> None:
    config.write_text("index-url = https://without.a.section\n")
    with pytest.raises(Failed, match=r"pip config list` says: (.|\n)*section"):
        index.read_settings()


Found = Callable[..., tuple[list[str], list[str]]]


@pytest.fixture
def found_at(monkeypatch: pytest.MonkeyPatch) -> Found:
    """Addresses of the wanted file by given settings, and what is wrong with places."""

    def found(indexes: Sequence[str] = (), links: Sequence[str] = ()) -> tuple[list[str], list[str]]:
        settings = index.Settings(tuple(indexes), tuple(links), Network())
        monkeypatch.setattr(index, "read_settings", lambda: settings)
        faults: list[str] = []
        return [address for address, _ in index.places(WANTED, faults)], faults

    return found


def test_a_folder_an_index_in_files_and_a_page_are_searched_in_pips_order(found_at: Found, tmp_path: Path) -> None:
    folder, mirror = tmp_path / "wheels", tmp_path / "simple"
    folder.mkdir()
    (folder / WANTED.file).touch()
    (folder / "tiny_thing-2.0.zip").touch()
    (mirror / "tiny-thing").mkdir(parents=True)
    page = f'<!DOCTYPE html><a href="../../files/{WANTED.file}#sha256=12">it</a><a name="x"><a href="tiny_thing-3.zip">'
    (mirror / "tiny-thing/index.html").write_text(page)
    found, faults = found_at([mirror.as_uri()], [str(folder)])
    assert found == [(folder / WANTED.file).as_uri(), (tmp_path / "files" / WANTED.file).as_uri()]
    assert faults == []


@pytest.mark.parametrize("kind", ["text/html", JSON])
def test_pages_of_an_index_are_html_or_json(kind: str, pages: Pages, found_at: Found) -> None:
    html = f'<a href="/files/tiny%5Fthing-1.0.zip#sha256=00">{WANTED.file}</a>'
    listed = {"files": [{"filename": WANTED.file, "url": f"/files/{WANTED.file}", "hashes": {}}]}
    pages["/simple/tiny-thing/"] = whole((json.dumps(listed) if kind == JSON else html).encode(), kind)
    found, faults = found_at([f"{pages.address}/simple/"])
    assert [address.replace("%5F", "_") for address in found] == [f"{pages.address}/files/{WANTED.file}"]
    assert faults == []


def test_a_place_without_the_file_is_told_and_the_next_one_asked(pages: Pages, found_at: Found, tmp_path: Path) -> None:
    pages["/broken/tiny-thing/"] = whole(b"<html>sign in", JSON)
    pages["/empty/tiny-thing/"] = whole(b'{"files": []}', JSON)
    pages["/last/tiny-thing/"] = whole(f'<a href="{WANTED.file}">'.encode(), "text/html")
    indexes = [f"{pages.address}/{name}" for name in ("missing", "broken", "empty", "last")]
    found, faults = found_at(indexes, [str(tmp_path / "nowhere"), "http://mirror.invalid/page"])
    assert found == [f"{pages.address}/last/tiny-thing/{WANTED.file}"]
    words = ["nowhere: not there", "is not https", "404", "not the page of an index", f"has no {WANTED.file}"]
    assert len(faults) == len(words) and all(word in fault for word, fault in zip(words, faults, strict=True))


def test_a_page_of_links_may_lie_in_a_file(found_at: Found, tmp_path: Path) -> None:
    (tmp_path / "links.html").write_text(f'<a href="there/{WANTED.file}">')
    found, _ = found_at(links=[str(tmp_path / "links.html")])
    assert found == [(tmp_path / "there" / WANTED.file).as_uri()]


def test_the_name_and_the_password_go_to_the_hosts_own_files_only() -> None:
    page = "https://me:pw@host/simple/x/"
    assert index.with_user("https://host/files/x.zip", page) == "https://me:pw@host/files/x.zip"
    assert index.with_user("https://me:pw@host/files/x.zip", page) == "https://me:pw@host/files/x.zip"
    for link in ("https://other/x.zip", "http://host/x.zip", "https://host:8443/x.zip"):
        assert index.with_user(link, page) == link

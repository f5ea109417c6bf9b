"""Where the user's package index has a file: what pip is told, and the pages of the index (PEP 503 and 691)."""

import ast
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit
from urllib.request import url2pathname

from protomtl.sources.catalogue import Archive
from protomtl.sources.transfer import Failed, Network, again, opened, reason, shown

ACCEPT = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.01"
PAGE = 1 << 26  # bytes of a page: the rest of a longer one is not read
LINE = re.compile(r"^(?P<section>global|download|:env:)\.(?P<key>[\w-]+)=(?P<value>.+)$")


@dataclass(frozen=True)
class Settings:
    """What pip's configuration says for `pip download`."""

    indexes: tuple[str, ...]
    links: tuple[str, ...]  # find-links: folders and pages
    network: Network


def read_settings() -> Settings:
    """Ask pip, so that the user's files and variables count as they do there. Failed without pip."""
    found: dict[str, dict[str, str]] = {"global": {}, "download": {}, ":env:": {}}  # later ones go before
    for line in pip("config", "list").splitlines():
        if match := LINE.match(line):
            found[match["section"]][match["key"]] = ast.literal_eval(match["value"])
    value = {key: text for section in found.values() for key, text in section.items() if text}  # as pip does
    main = () if value.get("no-index", "0").lower() in ("1", "true", "yes", "on") else (value.get("index-url"),)
    extra = value.get("extra-index-url", "").split() if main else []
    return Settings(
        (*(url or default_index() for url in main), *extra),
        tuple(value.get("find-links", "").split()),
        Network(
            frozenset(value.get("trusted-host", "").split()),
            value.get("cert"),
            value.get("client-cert"),
            value.get("proxy"),
        ),
    )


def default_index() -> str:
    """The index of a pip that is told none, as its help says."""
    match = re.search(r"--index-url <url>.*?\(default (\S+?)\)", pip("download", "--help"), re.DOTALL)
    if not match:
        raise Failed("pip does not say which index it uses; set PIP_INDEX_URL")
    return match[1]


def pip(*words: str) -> str:
    command = [sys.executable, "-m", "pip", *words]
    wide = os.environ | {"COLUMNS": "1000"}
    result = subprocess.run(command, capture_output=True, text=True, check=False, env=wide, stdin=subprocess.DEVNULL)
    if result.returncode:
        raise Failed(f"`{' '.join(command)}` says: {result.stderr.strip()}")
    return result.stdout


def places(wanted: Archive, faults: list[str]) -> Iterator[tuple[str, Network]]:
    """Addresses of the file, those of find-links first; what is wrong with a place is added to `faults`."""
    settings = read_settings()
    project = re.sub(r"[-_.]+", "-", wanted.project).lower()
    pages = [*settings.links, *(f"{index.rstrip('/')}/{project}/" for index in settings.indexes)]
    for page in pages:
        try:
            found = [link for link in links(page, settings.network) if name_of(link) == wanted.file]
        except Failed as error:
            faults.append(f"{shown(page)}: {error}")
            continue
        if not found:
            faults.append(f"{shown(page)}: has no {wanted.file}")
        yield from ((link.partition("#")[0], settings.network) for link in found)


def links(page: str, network: Network) -> list[str]:
    """Addresses that a page of an index or of find-links has, or of a folder's files. Failed if it is not there."""
    if (path := local(page)) is None:
        return again(lambda: remote_links(page, network))
    if path.is_dir() and not (path / "index.html").is_file():
        return [file.absolute().as_uri() for file in sorted(path.iterdir())]
    path = path / "index.html" if path.is_dir() else path
    if not path.is_file():
        raise Failed("not there")
    return anchors(path.absolute().as_uri(), path.read_text(encoding="utf-8"))


def remote_links(page: str, network: Network) -> list[str]:
    with opened(page, network, {"Accept": ACCEPT}) as reply:
        text, here = reply.raw.read(PAGE, decode_content=True).decode("utf-8", "replace"), reply.url
        if "json" in reply.headers.get("content-type", ""):
            try:
                found = [urljoin(here, file["url"]) for file in json.loads(text)["files"]]
            except (ValueError, KeyError, TypeError) as error:
                raise Failed(f"not the page of an index: {reason(error)}") from None
        else:
            found = anchors(here, text)
    return [with_user(link, here) for link in found]


def anchors(here: str, text: str) -> list[str]:
    """The addresses that an HTML page links to."""
    found: list[str] = []

    class Anchors(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            found.extend(urljoin(here, value) for name, value in attrs if (tag, name) == ("a", "href") and value)

    Anchors().feed(text)
    return found


def with_user(link: str, page: str) -> str:
    """A link to the page's own host, with the name and the password that the page was asked with."""
    there, here = urlsplit(link), urlsplit(page)
    same = (there.scheme, there.netloc) == (here.scheme, here.netloc.rpartition("@")[2])
    return there._replace(netloc=here.netloc).geturl() if same else link


def name_of(link: str) -> str:
    return unquote(urlsplit(link).path).rpartition("/")[2]


def local(place: str) -> Path | None:
    """The path of a folder, a file or a file: address; None for what the network has."""
    parts = urlsplit(place)
    if parts.scheme == "file":
        return Path(url2pathname(parts.path))
    return None if "://" in place else Path(place).expanduser()

"""One file over the network: tried again, gone on with where it broke off, by https only."""

import re
import ssl
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Any, TypeVar
from urllib.parse import urljoin, urlsplit

import requests
import truststore
from requests.adapters import HTTPAdapter
from tqdm import tqdm
from urllib3.exceptions import HTTPError

TRIES = 5  # failures in a row, none with a new byte between
PAUSE = 1.0  # seconds before the second try; each further one waits twice as long
SILENCE = 30.0  # seconds without a byte
EVERY = 15.0  # seconds between two lines of a log
CHUNK = 1 << 20
MOST = 1 << 31  # bytes: no file here is as large, so that an endless one ends before the disk is full
REDIRECTS = 10
GONE = (400, 401, 403, 404, 405, 410)  # answers that another try does not change
LOCAL = ("localhost", "127.0.0.1", "::1")  # never leaves this machine

T = TypeVar("T")


class Failed(Exception):
    """Why a file cannot be had from a place."""


class Broken(Exception):
    """A reply that another try may mend."""


@dataclass(frozen=True)
class Network:
    """What pip's configuration says of the network, beside the environment, which requests reads by itself."""

    trusted: frozenset[str] = frozenset()  # HOST or HOST:PORT whose certificate is not asked for
    certificates: str | None = None  # a bundle of authorities
    client: str | None = None  # a certificate of one's own
    proxy: str | None = None

    def trusts(self, url: str) -> bool:
        """Whether pip's `trusted-host` names the host of `url`."""
        host, port = urlsplit(url).hostname, urlsplit(url).port
        return host in self.trusted or f"{host}:{port}" in self.trusted


class SystemCertificates(HTTPAdapter):
    """Trusts the authorities that the system trusts, as pip does."""

    def init_poolmanager(self, *args: Any, **more: Any) -> None:
        super().init_poolmanager(*args, **more, ssl_context=truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT))

    def proxy_manager_for(self, proxy: str, **more: Any) -> Any:
        context = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        return super().proxy_manager_for(proxy, **more, ssl_context=context)


def within(limit: float, work: Callable[[], T]) -> T:
    """What `work` gives; Failed if that takes more than `limit` seconds, whatever it waits for: a name, a byte."""
    found: Future[T] = Future()

    def run() -> None:
        try:
            found.set_result(work())
        except BaseException as error:
            found.set_exception(error)

    Thread(target=run, daemon=True).start()  # the process does not wait for it at its end
    try:
        return found.result(limit)
    except TimeoutError:
        raise Failed(f"not there after {limit:g} seconds; run again, and what came is gone on with") from None


def again(work: Callable[[], T], done: Callable[[], int] = lambda: 0) -> T:
    """What `work` gives, tried up to TRIES times in a row without progress of `done`. Failed with the last reason."""
    failures = 0
    while True:
        before = done()
        try:
            return work()
        except (requests.RequestException, HTTPError, Broken) as error:
            failures = 1 if done() > before else failures + 1
            if failures == TRIES:
                raise Failed(f"{reason(error)} (tried {TRIES} times)") from None
        time.sleep(PAUSE * 2 ** (failures - 1))


@contextmanager
def opened(url: str, network: Network, headers: dict[str, str]) -> Iterator[requests.Response]:
    """The reply to a GET, whose body is not read yet. Failed where another try would change nothing."""
    with requests.Session() as session:
        session.mount("https://", SystemCertificates())
        if network.proxy:
            session.proxies = {"http": network.proxy, "https": network.proxy}
        for _ in range(REDIRECTS):
            check_secure(url, network)
            verify = False if network.trusts(url) else network.certificates or True
            more: dict[str, Any] = {"verify": verify, "cert": network.client, "timeout": SILENCE}
            with session.get(url, headers=headers, stream=True, allow_redirects=False, **more) as reply:
                if reply.is_redirect:
                    url = urljoin(url, reply.headers["location"])
                    continue
                if reply.status_code in GONE:
                    raise Failed(f"{reply.status_code} {reply.reason}")
                if reply.status_code >= 400 and reply.status_code != requests.codes.requested_range_not_satisfiable:
                    raise Broken(f"{reply.status_code} {reply.reason}")
                yield reply
                return
        raise Failed(f"led on {REDIRECTS} times, at last to {shown(url)}")


def check_secure(url: str, network: Network) -> None:
    """Failed for what is neither https, on this machine, nor of a host that the user's pip trusts."""
    if urlsplit(url).scheme == "http" and (urlsplit(url).hostname in LOCAL or network.trusts(url)):
        return
    if urlsplit(url).scheme != "https":
        raise Failed(f"{shown(url)}: is not https")


def append(url: str, part: Path, network: Network, title: str) -> None:
    """Bring into `part` what it lacks of the file at `url`; a server that cannot go on gives all of it anew."""
    have = size(part)
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    with opened(url, network, headers) as reply:
        if reply.status_code == requests.codes.requested_range_not_satisfiable:
            part.unlink()
            raise Broken("what was here is longer than the file")
        if not reply.headers.get("content-range", "").startswith(f"bytes {have}-"):
            have = 0
        left = int(reply.headers.get("content-length", 0))
        with part.open("ab" if have else "wb") as file:
            for chunk in told(chunks(reply), title, have, have + left if left else None):
                file.write(chunk)
                if file.tell() > MOST:
                    raise Failed(f"does not end after {MOST} bytes")


def chunks(reply: requests.Response) -> Iterator[bytes]:
    """The body as it comes, so that what came of a chunk that never ends is kept; an error if less came than told."""
    while chunk := reply.raw.read1(CHUNK):
        yield chunk


def told(parts: Iterable[bytes], title: str, have: int, total: int | None) -> Iterator[bytes]:
    """The parts as they are; meanwhile a bar on a terminal, a plain line now and then in a log."""
    last = time.monotonic()
    of = f" of {total / 1e6:.0f}" if total else ""
    terminal = sys.stderr.isatty()
    with tqdm(total=total, initial=have, desc=title, unit="B", unit_scale=True, disable=not terminal) as bar:
        for part in parts:
            yield part
            have += len(part)
            bar.update(len(part))
            if not terminal and time.monotonic() - last > EVERY:
                last = time.monotonic()
                print(f"{title}: {have / 1e6:.0f}{of} MB", flush=True)


def size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def shown(url: str) -> str:
    """An address without the name and the password that may stand in it."""
    return re.sub(r"//[^/@\s]*@", "//", url)


def reason(error: Exception) -> str:
    """What went wrong, without the wrapping of the libraries."""
    inner = getattr(error, "reason", None) or next((a for a in error.args if isinstance(a, Exception)), None)
    return reason(inner) if isinstance(inner, Exception) else shown(str(error))

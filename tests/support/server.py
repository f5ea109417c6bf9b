"""A web server on this machine whose pages misbehave as told."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

CONTENT = bytes(range(256)) * 400  # 102,400 bytes


class Pages(dict[str, Callable[[Any], None]]):
    """What each path does with a request, and what was asked for: path and `Range`."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[tuple[str, str | None]] = []
        self.stop = threading.Event()  # pages that never end do now
        self.address = ""


@contextmanager
def running(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """The address of a server on this machine that answers by `handler`, until the end of the block."""
    handler.log_message = lambda *_: None  # type: ignore[assignment, method-assign]
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def serving() -> Iterator[Pages]:
    """The pages of a running server; `address` is where it is."""
    pages = Pages()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            pages.asked.append((self.path, self.headers.get("Range")))
            page = pages.get(self.path)
            if page is None:
                self.send_error(404, "no such thing here")
            else:
                with suppress(ConnectionError):  # the reader may have had enough
                    page(self)
            self.close_connection = True

    with running(Handler) as pages.address:
        try:
            yield pages
        finally:
            pages.stop.set()


def whole(content: bytes, kind: str = "application/octet-stream") -> Callable[[Any], None]:
    """All of it, or from where the reader wants to go on."""

    def page(request: Any) -> None:
        begin = start(request)
        if begin >= len(content) > 0 and request.headers.get("Range"):
            request.send_error(416)
            return
        head(request, len(content) - begin, kind, begin if request.headers.get("Range") else None)
        request.wfile.write(content[begin:])

    return page


def piecewise(content: bytes, piece: int) -> Callable[[Any], None]:
    """All of it is announced, but the connection ends after `piece` bytes."""

    def page(request: Any) -> None:
        begin = start(request)
        head(request, len(content) - begin, "text/plain", begin if request.headers.get("Range") else None)
        request.wfile.write(content[begin : begin + piece])

    return page


def redirect(to: str) -> Callable[[Any], None]:
    def page(request: Any) -> None:
        request.send_response(302)
        request.send_header("Location", to)
        request.end_headers()

    return page


def start(request: Any) -> int:
    """Where the reader wants to go on."""
    return int(request.headers.get("Range", "bytes=0-").removeprefix("bytes=").rstrip("-"))


def head(request: Any, length: int | None, kind: str = "text/plain", begin: int | None = None) -> None:
    request.send_response(200 if begin is None else 206)
    request.send_header("Content-Type", kind)
    if length is not None:
        request.send_header("Content-Length", str(length))
    if begin is not None:
        request.send_header("Content-Range", f"bytes {begin}-{begin + (length or 0) - 1}/*")
    request.end_headers()
